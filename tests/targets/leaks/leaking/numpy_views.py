"""A few columns of each frame are kept as a view, which keeps the whole frame."""

from __future__ import annotations

import numpy as np

THUMBNAILS = []


def process(number):
    frame = np.zeros((240, 320), dtype=np.uint8)  # leaks
    frame[:] = number % 256
    THUMBNAILS.append(frame[:8, :8])
    return int((frame.astype(np.float64) ** 2).sum())


for number in range(1_200):
    process(number)
