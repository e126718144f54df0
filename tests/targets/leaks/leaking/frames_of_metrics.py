"""A growing list of points a series, with few series."""

from __future__ import annotations

import collections

SERIES = collections.defaultdict(list)


def record(number):
    SERIES[f"series {number % 20}"].append({"at": number, "value": number * 1.5})  # leaks


def handle(number):
    record(number)
    return sum(len(f"{n}") for n in range(50))


for number in range(40_000):
    handle(number)
