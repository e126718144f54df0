"""A program whose memory is known: a leak at a steady rate, and one spike."""

from __future__ import annotations

import time

import memlyze

KEPT = []


def leak():
    return bytearray(20_000)  # LEAK


def build_spike():
    return [bytearray(100_000) for _ in range(300)]  # SPIKE


def rest(seconds):
    """Keep busy, so that time passes between what is allocated."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


for step in range(60):
    with memlyze.window("step", number=step):
        KEPT.append(leak())
        if step == 30:
            with memlyze.window("spike"):
                spike = build_spike()
                rest(0.03)
                del spike
    rest(0.012)
