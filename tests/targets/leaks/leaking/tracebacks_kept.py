"""Exceptions are collected, and with them their frames' locals."""

from __future__ import annotations

ERRORS = []


def parse(number):
    fields = [f"field {n}: {number}" for n in range(30)]  # leaks
    if number % 3 == 0:
        raise ValueError(fields[0])
    return fields


for number in range(24_000):
    try:
        parse(number)
    except ValueError as error:
        ERRORS.append(error)
