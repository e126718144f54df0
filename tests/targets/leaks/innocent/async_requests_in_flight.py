"""Up to a hundred requests are in flight; each holds a buffer while it waits."""

from __future__ import annotations

import asyncio


async def request(number, gate):
    async with gate:
        buffer = bytearray(4_000)
        await asyncio.sleep(0.001 + number % 5 * 0.001)
        return len(buffer)


async def main():
    gate = asyncio.Semaphore(100)
    total = 0
    for start in range(0, 8_000, 400):
        tasks = [asyncio.create_task(request(n, gate)) for n in range(start, start + 400)]
        total += sum(await asyncio.gather(*tasks))
    return total


asyncio.run(main())
