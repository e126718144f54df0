"""A cache with a maximum is used from the middle on, and reaches its size before the end."""

from __future__ import annotations

import functools


@functools.lru_cache(maxsize=1_500)
def thumbnail(name):
    return bytes(name, "ascii") * 60


def handle(number):
    if number > 8_000:
        thumbnail(f"picture-{number // 2}")
    return ",".join(str(n) for n in range(150)).split(",")


for number in range(18_000):
    handle(number)
