"""A feature is switched on when the service has been running for a while, and it leaks."""

from __future__ import annotations

SEEN = {}


def handle(number, is_enabled):
    words = [f"word-{number}-{n}" for n in range(20)]
    if is_enabled:
        SEEN[number] = [word.upper() for word in words]  # leaks
    return " ".join(words)


for number in range(60_000):
    handle(number, number > 36_000)
