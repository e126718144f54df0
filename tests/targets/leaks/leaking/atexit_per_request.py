"""Each request registers a clean-up with atexit."""

from __future__ import annotations

import atexit


def remove(paths):
    return len(paths)


def handle(number):
    paths = [f"/tmp/upload-{number}-{part}" for part in range(15)]  # leaks
    atexit.register(remove, paths)
    return len(paths)


for number in range(60_000):
    handle(number)
