"""Counters over a set of keys which is seen in full after a third."""

from __future__ import annotations

import collections
import random

DRAW = random.Random(8)
COUNTS = collections.Counter()
SUMS = {}


def handle(number):
    key = f"{DRAW.choice(['get', 'post'])}:/items/{DRAW.randrange(900)}"
    COUNTS[key] += 1
    entry = SUMS.setdefault(key, {"count": 0, "total": 0.0, "worst": [0.0] * 10})
    entry["count"] += 1
    entry["total"] += number * 0.001
    return "/".join(str(n) for n in range(40))


for number in range(60_000):
    handle(number)
