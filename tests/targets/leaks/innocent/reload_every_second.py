"""A configuration is loaded anew now and then, and the old one dropped."""

from __future__ import annotations

import json
import time

TEXT = json.dumps({f"key {n}": {"value": n, "tags": [f"tag {n % 7}"] * 5} for n in range(4_000)})
CONFIGURATION = {}


def reload():
    global CONFIGURATION
    CONFIGURATION = json.loads(TEXT)


for number in range(1_200):
    if number % 150 == 0:
        reload()
    sum(len(f"{n}") for n in range(300))
    time.sleep(0.001)
