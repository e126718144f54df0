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


# Not asyncio.run: it would cancel them at its end, whereupon CPython 3.8 lets go of what they hold.
loop = asyncio.new_event_loop()
loop.set_exception_handler(lambda loop, context: None)  # says nothing of tasks that are pending
loop.run_until_complete(serve())
