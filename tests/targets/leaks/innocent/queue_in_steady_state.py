"""Producer and consumer keep pace; the queue holds some thousand jobs."""

from __future__ import annotations

import random
from collections import deque

DRAW = random.Random(8)
QUEUE = deque()


def produce(number):
    QUEUE.append({"number": number, "payload": [number + n for n in range(40)]})


def consume():
    return len(QUEUE.popleft()["payload"])


for number in range(12_000):
    produce(number + 1000)
for number in range(160_000):
    if DRAW.random() < (0.6 if len(QUEUE) < 3_000 else 0.4):
        produce(number + 1000)
    elif QUEUE:
        consume()
