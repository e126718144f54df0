"""Measurements are kept for as long as the averages need them."""

from __future__ import annotations

from collections import deque

SAMPLES = deque()


def measure(now):
    SAMPLES.append((now, {"cpu": now % 100, "labels": f"host-{now % 50}" * 10}))
    while SAMPLES[0][0] < now - 20_000:
        SAMPLES.popleft()
    return SAMPLES[-1][1]["cpu"]


for now in range(520_000):
    measure(now)
