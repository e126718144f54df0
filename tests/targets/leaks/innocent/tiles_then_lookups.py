"""Tiles are computed at first use; after half of the run all are there, and are looked up."""

from __future__ import annotations

import time

TILES = {}
COUNT = 300
SECONDS = 3.0


def compute(column, row):
    return [(column * n + row) % 251 / 7.0 for n in range(120)]


def tile(column, row):
    key = (column, row)
    if key not in TILES:
        TILES[key] = compute(column, row)
    return TILES[key]


start = time.monotonic()
total = 0.0
passed = 0.0
while passed < SECONDS:
    at = min(int(passed * 2 * COUNT / SECONDS), COUNT - 1)
    total += sum(tile(at % 24, at // 24))
    time.sleep(0.002)
    passed = time.monotonic() - start
