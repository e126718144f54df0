"""Results are memoised by a measured float, which never comes again."""

from __future__ import annotations

import math

MEMO = {}


def transform(x):
    if x not in MEMO:
        MEMO[x] = [math.sin(x * n) for n in range(24)]  # leaks
    return MEMO[x]


for number in range(80_000):
    transform(number / 997.0)
