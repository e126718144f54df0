"""The last events are kept in a deque with a bound."""

from __future__ import annotations

from collections import deque

LAST = deque(maxlen=8_000)


def note(number):
    LAST.append({"number": number, "tags": [f"tag-{number}-{n}" for n in range(10)]})


for number in range(120_000):
    note(number)
