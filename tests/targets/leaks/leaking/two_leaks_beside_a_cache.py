"""Two leaks, and a cache of fixed size that fills slowly."""

from __future__ import annotations

import functools

HISTORY = []
SEEN = {}


@functools.lru_cache(maxsize=4_000)
def profile(user):
    return {"user": user, "name": f"name {user}" * 4}


def handle(number):
    profile(number % 3_500)
    HISTORY.append(f"request {number} by {number % 3_500}".encode() * 8)  # leaks
    SEEN[number] = [number] * 40  # leaks


for number in range(30_000):
    handle(number)
