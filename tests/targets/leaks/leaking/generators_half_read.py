"""Result sets are read up to the first row and left open in a registry."""

from __future__ import annotations

OPEN = []


def rows(number):
    page = [f"{number}.{n}" for n in range(60)]  # leaks
    for row in page:
        yield row


def first(number):
    cursor = rows(number)
    OPEN.append(cursor)
    return next(cursor)


for number in range(8_000):
    first(number)
    sorted(str(n) for n in range(60))
