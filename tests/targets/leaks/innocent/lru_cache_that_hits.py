"""A cache larger than the set of keys that are ever asked for."""

from __future__ import annotations

import random
from functools import lru_cache

DRAW = random.Random(5)


@lru_cache(maxsize=100_000)
def load(key):
    return [f"{key}-{n}" for n in range(25)]


for number in range(60_000):
    load(DRAW.randrange(6_000))
    sorted(str(n) for n in range(20))
