"""Each request registers a closure to be called at shutdown; it captures the request's data."""

from __future__ import annotations

SHUTDOWN_HOOKS = []


def handle(number):
    rows = [number + row for row in range(150)]  # leaks

    def flush():
        return sum(rows)

    SHUTDOWN_HOOKS.append(flush)
    return len(rows)


for number in range(15_000):
    handle(number + 1000)
    sorted(str(value) for value in range(100))
