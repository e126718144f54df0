"""A pool opens its connections at first use, and lends them from then on."""

from __future__ import annotations


class Connection:
    def __init__(self):
        self.buffer = bytearray(1 << 20)


class Pool:
    def __init__(self, size):
        self.size = size
        self.opened = 0
        self.idle = []

    def take(self):
        if self.idle:
            return self.idle.pop()
        self.opened += 1
        return Connection()

    def give(self, connection):
        self.idle.append(connection)


POOL = Pool(20)
for number in range(24_000):
    lent = [POOL.take() for _ in range(min(number // 100 + 1, 20))]
    text = [str(n) for n in range(100)]
    for connection in lent:
        POOL.give(connection)
