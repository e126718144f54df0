"""From time to time a large report is built, sent and forgotten."""

from __future__ import annotations


def report(number):
    rows = [{"row": row, "text": f"report {number} row {row}"} for row in range(30_000)]
    return sum(len(row["text"]) for row in rows)


def handle(number):
    return [str(n) for n in range(60)]


for number in range(30_000):
    handle(number)
    if number % 3_000 == 1_500:
        report(number)
