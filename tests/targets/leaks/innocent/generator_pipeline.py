"""Rows stream through generators, some hundred at a time."""

from __future__ import annotations


def rows():
    for number in range(600_000):
        yield {"number": number, "text": f"row {number}"}


def chunks(stream, size):
    chunk = []
    for row in stream:
        chunk.append(row)
        if len(chunk) == size:
            yield chunk
            chunk = []


TOTAL = 0
for chunk in chunks(rows(), 2_000):
    TOTAL += len(sorted(chunk, key=lambda row: row["text"]))
