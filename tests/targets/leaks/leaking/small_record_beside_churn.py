"""An audit trail of a hundred bytes a request, beside fifty kilobytes of work that is dropped."""

from __future__ import annotations

import json
import time

AUDIT = []


def handle(number):
    rows = [{"id": n, "name": f"user {n}", "request": number} for n in range(120)]
    body = json.dumps(rows)
    AUDIT.append((number, f"/orders/{number}"))  # leaks
    return len(json.loads(body))


for number in range(8_000):
    handle(number)
    if number % 20 == 0:
        time.sleep(0.001)
