"""Entries are dropped after a while."""

from __future__ import annotations

import time

CACHE = {}
KEEP_SECONDS = 0.3


def get(key, now):
    found = CACHE.get(key)
    if found and now - found[0] < KEEP_SECONDS:
        return found[1]
    value = [f"{key}:{n}" for n in range(25)]
    CACHE[key] = (now, value)
    return value


def sweep(now):
    for key in [key for key, (then, _) in CACHE.items() if now - then >= KEEP_SECONDS]:
        del CACHE[key]


for number in range(3_000):
    now = time.monotonic()
    get(f"key {number}", now)
    if number % 50 == 0:
        sweep(now)
    time.sleep(0.0005)
