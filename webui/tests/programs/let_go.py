"""Grows for two seconds beneath asyncio, and lets go of everything when it ends."""

from __future__ import annotations

import asyncio


async def grow() -> None:
    kept = []
    for _ in range(800):
        kept.append(bytearray(40_000))
        await asyncio.sleep(0.0025)


asyncio.run(grow())
