"""Each request schedules its expiry in a day, and answered requests do not cancel it."""

from __future__ import annotations

import heapq

TIMERS = []


class Timer:
    def __init__(self, due, callback):
        self.due = due
        self.callback = callback

    def __lt__(self, other):
        return self.due < other.due


def handle(number):
    state = {f"key-{number}-{n}": n for n in range(12)}  # leaks
    heapq.heappush(TIMERS, Timer(86_400 + number, lambda: state.clear()))  # leaks
    return len(state)


for number in range(45_000):
    handle(number)
