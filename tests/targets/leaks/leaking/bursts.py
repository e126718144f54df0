"""Requests come in bursts with idle time between them, and each leaves something."""

from __future__ import annotations

import time

RECENT = {}


def handle(number):
    work = [bytes(200) for _ in range(50)]
    RECENT[number] = b"".join(work[:8])  # leaks
    return len(work)


number = 0
for burst in range(12):
    for _ in range(700):
        handle(number)
        number += 1
    time.sleep(0.12)
