"""A registry fills over the run, and is cleared when the program ends."""

from __future__ import annotations

import atexit

REGISTRY = {}
atexit.register(REGISTRY.clear)


def register(number):
    REGISTRY[number] = [f"entry {number}.{n}" for n in range(15)]


for number in range(50_000):
    register(number)
