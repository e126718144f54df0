"""A little of each request stays, next to hundreds of times as much that does not."""

from __future__ import annotations

import json

TRACE_IDS = []


def handle(number):
    document = {"id": number, "rows": [{"a": row, "b": str(row)} for row in range(60)]}
    text = json.dumps(document)
    copy = json.loads(text)
    TRACE_IDS.append(text[:700])  # leaks
    return len(copy["rows"])


for number in range(15_000):
    handle(number)
