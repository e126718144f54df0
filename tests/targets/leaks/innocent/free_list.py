"""Objects are recycled through a free list that reaches its size soon."""

from __future__ import annotations

import random

DRAW = random.Random(9)
FREE = []
IN_USE = []


class Packet:
    def __init__(self):
        self.data = bytearray(2048)


def take():
    return FREE.pop() if FREE else Packet()


for number in range(360_000):
    if len(IN_USE) < 2_000 or (DRAW.random() < 0.65 and len(IN_USE) < 6_000):
        IN_USE.append(take())
    else:
        FREE.append(IN_USE.pop(DRAW.randrange(len(IN_USE))))
    str(number) * 10
