"""Finished tasks stay in a list that was meant to be awaited."""

from __future__ import annotations

import asyncio

STARTED = []


async def fetch(number):
    await asyncio.sleep(0)
    return [number] * 150  # leaks


async def serve():
    for number in range(45_000):
        STARTED.append(asyncio.ensure_future(fetch(number)))
        if number % 50 == 0:
            await asyncio.sleep(0)


asyncio.run(serve())
