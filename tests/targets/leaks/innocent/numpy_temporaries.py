"""Arrays come and go; the model's weights stay."""

from __future__ import annotations

import numpy as np

WEIGHTS = np.ones((1000, 1000))


def step(number):
    batch = np.full((200, 1000), float(number))
    hidden = np.maximum(batch @ WEIGHTS, 0.0)
    return float(hidden.mean())


for number in range(20):
    step(number)
