"""For each of two hundred users the last fifty events are kept."""

from __future__ import annotations

import collections

RECENT = {}


def handle(number):
    user = number * 7919 % 200
    kept = RECENT.setdefault(user, collections.deque(maxlen=50))
    kept.append({"number": number, "text": f"event {number} of {user}"})
    return [entry["number"] for entry in kept]


for number in range(40_000):
    handle(number)
