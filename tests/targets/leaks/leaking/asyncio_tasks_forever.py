"""Each request starts a task that waits for an event which is never set."""

from __future__ import annotations

import asyncio

PENDING = set()


async def follow_up(number, never):
    rows = [f"{number}:{row}" for row in range(15)]  # leaks
    await never.wait()
    return rows


async def handle(number, never):
    PENDING.add(asyncio.get_event_loop().create_task(follow_up(number, never)))  # leaks
    await asyncio.sleep(0)


async def serve():
    never = asyncio.Event()
    for number in range(12_000):
        await handle(number, never)


LOOP = asyncio.new_event_loop()
LOOP.run_until_complete(serve())
