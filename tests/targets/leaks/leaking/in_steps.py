"""Now and then an import job runs, and each leaves its staging table behind."""

from __future__ import annotations

STAGING = []


def import_job(number):
    STAGING.append([f"row {number}-{row}" for row in range(35_000)])  # leaks


def handle(number):
    return sorted(str(number * n) for n in range(40))


for number in range(50_000):
    handle(number)
    if number % 5_000 == 2_000:
        import_job(number)
