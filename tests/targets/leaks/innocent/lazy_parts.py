"""Parts of the program are set up when they are first used, in the first half of the run."""

from __future__ import annotations

PARTS = {}


def part(name):
    if name not in PARTS:
        PARTS[name] = [f"{name} {n}" for n in range(40_000)]
    return PARTS[name]


def handle(number):
    name = f"part-{min(number // 4_000, 4)}"
    return [text.upper() for text in part(name)[:40]]


for number in range(110_000):
    handle(number)
