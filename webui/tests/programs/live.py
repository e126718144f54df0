"""Allocates until it is told to stop by a line on its input, and says when it has begun."""

from __future__ import annotations

import select
import sys

KEPT = []
print("ready", flush=True)
while not select.select([sys.stdin], [], [], 0.02)[0]:
    KEPT.append(bytearray(50_000))
