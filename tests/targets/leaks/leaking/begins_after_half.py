"""A feature flag is switched on half-way; from then on every response is kept."""

from __future__ import annotations

KEPT = {}


def handle(number, flag):
    parts = [f"<li>{number}:{n}</li>" for n in range(60)]
    page = "".join(parts)
    if flag:
        KEPT[number] = page.encode()  # leaks
    return page


for number in range(30_000):
    handle(number, number > 15_000)
