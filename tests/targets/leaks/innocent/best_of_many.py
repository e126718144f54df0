"""Only the best hundred thousandths are kept of what streams by."""

from __future__ import annotations

import heapq
import random

DRAW = random.Random(11)
BEST = []


def offer(number):
    score = DRAW.random()
    entry = (score, number, f"candidate {number} " * 8)
    if len(BEST) < 20_000:
        heapq.heappush(BEST, entry)
    else:
        heapq.heappushpop(BEST, entry)


for number in range(400_000):
    offer(number)
