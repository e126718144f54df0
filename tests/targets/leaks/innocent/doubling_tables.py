"""A bytearray and a list that double until the input was read; then queries."""

from __future__ import annotations

import time

DATA = bytearray()
OFFSETS = []


def read():
    for n in range(120_000):
        line = f"{n};{n * 7 % 1000};value\n".encode()
        OFFSETS.append(len(DATA))
        DATA.extend(line)


def query(number):
    start = OFFSETS[number]
    row = bytes(DATA[start : start + 40]).split(b"\n")[0]
    return row.split(b";")


read()
for number in range(0, 120_000, 7):
    query(number)
    if number % 490 == 0:
        time.sleep(0.001)
