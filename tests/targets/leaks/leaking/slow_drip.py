"""Half a megabyte in three seconds, beside a working set of thirty."""

from __future__ import annotations

import time

BASE = [bytes(30_000) for _ in range(1_000)]
LOST = []


def handle(number):
    copy = [bytes(5_000) for _ in range(20)]
    LOST.append(bytearray(400))  # leaks
    return len(copy)


for number in range(1_500):
    handle(number)
    time.sleep(0.002)
