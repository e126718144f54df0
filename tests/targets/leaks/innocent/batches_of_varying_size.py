"""Batches of very different sizes, each freed before the next."""

from __future__ import annotations

import random

DRAW = random.Random(7)


def compute(size):
    return {n: f"value {n}" for n in range(size)}


TABLE = {}
for batch in range(60):
    TABLE = compute(int(5_000 + 40_000 * DRAW.random()))
    sum(len(text) for text in TABLE.values())
