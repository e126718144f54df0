"""A slice of ten elements keeps the whole array alive."""

from __future__ import annotations

import numpy as np

HEADS = []


def handle(number):
    signal = np.arange(5_000, dtype=np.float64) * number  # leaks
    noise = np.random.default_rng(number).random(20_000)
    HEADS.append(signal[:10])
    return float(noise.sum())


for number in range(2_000):
    handle(number)
