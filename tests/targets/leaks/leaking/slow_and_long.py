"""A service of some seconds which leaks two kilobytes a request."""

from __future__ import annotations

import hashlib
import time

TRACES = {}


def handle(number):
    payload = bytes(4_096)
    digest = hashlib.sha256(payload + str(number).encode()).hexdigest()
    spans = [(number, n, f"span {n}") for n in range(15)]  # leaks
    TRACES[digest] = spans
    return digest


for number in range(2_500):
    handle(number)
    time.sleep(0.002)
