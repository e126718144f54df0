"""Each connection starts a heartbeat that nobody cancels."""

from __future__ import annotations

import asyncio

BEATS = []


async def heartbeat(connection):
    state = {"connection": connection, "buffer": bytearray(600)}  # leaks
    while state:
        await asyncio.sleep(3600)  # leaks


async def serve():
    for connection in range(3_000):
        BEATS.append(asyncio.create_task(heartbeat(connection)))  # leaks
        await asyncio.sleep(0.0003)


asyncio.run(serve())
