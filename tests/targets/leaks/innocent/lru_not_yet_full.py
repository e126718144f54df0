"""A cache that holds at most two thousand entries, and is full near the end."""

from __future__ import annotations

import functools


@functools.lru_cache(maxsize=2_000)
def render(page):
    return "".join(f"<p>{page}.{n}</p>" for n in range(100))


def handle(number):
    render(number // 10)
    return [f"{number}-{n}" for n in range(40)]


for number in range(18_000):
    handle(number)
