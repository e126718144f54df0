"""Grows slowly to 20 MB, holds 80 MB more for a while, lets them go; its window has none of it."""

from __future__ import annotations

import time

import memlyze


def grow() -> list[bytearray]:
    kept = []
    for _ in range(200):
        kept.append(bytearray(100_000))
        time.sleep(0.004)
    return kept


def hold_much() -> None:
    much = [bytearray(1_000_000) for _ in range(80)]
    time.sleep(0.44)
    del much


kept = grow()
hold_much()
with memlyze.window("rest"):
    time.sleep(0.4)
