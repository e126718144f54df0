"""Tasks are gathered in batches, and their results are used and dropped."""

from __future__ import annotations

import asyncio


async def fetch(number):
    await asyncio.sleep(0)
    return [f"{number}:{n}" for n in range(20)]


async def serve():
    total = 0
    for first in range(0, 25_000, 500):
        results = await asyncio.gather(*(fetch(first + n) for n in range(500)))
        total += sum(map(len, results))
    return total


asyncio.run(serve())
