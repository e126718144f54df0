"""Errors are kept for a report; their tracebacks keep the frames, and these the payloads."""

from __future__ import annotations

ERRORS = []


def parse(number):
    payload = list(range(number, number + 100))  # leaks
    if payload[0] % 2:
        raise ValueError(f"odd payload {number}")
    return len(payload)


def handle(number):
    try:
        parse(number)
    except ValueError as error:
        ERRORS.append(error)


for number in range(48_000):
    handle(number + 1000)
