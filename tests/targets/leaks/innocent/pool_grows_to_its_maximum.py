"""Connections are opened as load grows, up to a maximum."""

from __future__ import annotations

import random
import time

DRAW = random.Random(3)


class Connection:
    def __init__(self, number):
        self.number = number
        self.buffer = bytearray(64_000)


class Pool:
    def __init__(self, most):
        self.most = most
        self.idle = []
        self.opened = 0

    def take(self):
        if not self.idle and self.opened < self.most:
            self.opened += 1
            return Connection(self.opened)
        return self.idle.pop(0)

    def give(self, connection):
        self.idle.append(connection)


POOL = Pool(60)
for number in range(1_500):
    load = 1 + min(59, int(number / 20 * DRAW.random()))
    taken = [POOL.take() for _ in range(min(load, 60))]
    for connection in taken:
        connection.buffer[0] = number % 256
        POOL.give(connection)
    time.sleep(0.001)
