"""The last ticks are kept in a deque with a bound; their mean is taken over and over."""

from __future__ import annotations

from collections import deque

LAST = deque(maxlen=2_000)


class Tick:
    def __init__(self, number):
        self.bid = number * 0.5
        self.depth = [number * 0.1 + level for level in range(6)]


def mean():
    ticks = list(LAST)[-200:]
    return sum([tick.bid * 1.5 for tick in ticks]) / len(ticks)


for number in range(40_000):
    LAST.append(Tick(number))
    if number % 4 == 0:
        mean()
