"""A finalizer puts broken objects aside for a later look; that never comes."""

from __future__ import annotations

import gc

BROKEN = []


class Handle:
    def __init__(self, number):
        self.me = self  # a cycle: only the collector finds it
        self.buffer = bytearray(500)  # leaks

    def __del__(self):
        BROKEN.append(self)


for number in range(90_000):
    Handle(number)
    if number % 500 == 0:
        gc.collect(0)
