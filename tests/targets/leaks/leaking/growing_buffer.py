"""Messages are appended to a buffer, read through a cursor, and never cut off."""

from __future__ import annotations

BUFFER = bytearray()
CURSOR = 0


def receive(data):
    BUFFER.extend(data)  # leaks


def read(length):
    global CURSOR
    data = bytes(BUFFER[CURSOR : CURSOR + length])
    CURSOR += length
    return data


for number in range(75_000):
    receive(b"x" * 700)
    read(700)
    [str(value) for value in range(30)]
