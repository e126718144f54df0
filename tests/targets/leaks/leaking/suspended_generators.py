"""Readers are generators; those that are not read to the end are never closed."""

from __future__ import annotations

OPEN_READERS = {}


def reader(number):
    buffer = [f"line {line} of {number}" for line in range(20)]  # leaks
    for line in buffer:
        yield line


def handle(number):
    lines = reader(number)
    OPEN_READERS[number] = lines
    return next(lines)


for number in range(30_000):
    handle(number)
