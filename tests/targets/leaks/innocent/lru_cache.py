"""A cache of the items used last fills soon, and then what comes in drives out what was there."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=4_000)
def load(key):
    return [f"{key}-{n}" for n in range(20)]


for number in range(90_000):
    load(number)
    load(number - 5)
