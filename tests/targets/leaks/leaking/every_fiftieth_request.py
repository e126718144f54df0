"""Each fiftieth request fails, and its report is kept."""

from __future__ import annotations

FAILURES = []


def report(number):
    return {"request": number, "trail": [f"step {n} of {number}" for n in range(80)]}  # leaks


def handle(number):
    work = [str(n * number) for n in range(100)]
    if number % 50 == 0:
        FAILURES.append(report(number))
    return len(work)


for number in range(40_000):
    handle(number)
