"""Jobs that fail are queued for a retry that nothing starts."""

from __future__ import annotations

import random

RETRIES = []
DRAW = random.Random(4)


def run(number):
    payload = bytes(1500)  # leaks
    if DRAW.random() < 0.1:
        RETRIES.append((number, payload))
    return sum(payload[:200])


for number in range(320_000):
    run(number)
