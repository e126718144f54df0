"""A buffer of lines is written out each thousand lines."""

from __future__ import annotations

import io

SINK = io.StringIO()
LINES = []


def log(text):
    LINES.append(text)
    if len(LINES) >= 1_000:
        SINK.seek(0)
        SINK.truncate()
        SINK.write("\n".join(LINES))
        LINES.clear()


for number in range(60_500):
    log(f"request {number} took {number % 97} ms and answered with status {200 + number % 5}")
