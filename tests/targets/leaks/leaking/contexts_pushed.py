"""A stack of contexts is pushed on errors, and then not popped."""

from __future__ import annotations

CONTEXTS = []


def handle(number):
    CONTEXTS.append({"number": number, "user": f"u{number}", "data": bytes(300)})  # leaks
    try:
        if number % 7 == 0:
            raise KeyError(number)
    except KeyError:
        return None
    result = [n * 2 for n in range(200)]
    CONTEXTS.pop()
    return result


for number in range(60_000):
    handle(number)
