"""A small service with three habits: a cache that is bounded, a report that spikes, and a leak.

The whole service runs in this process, clients included, and always does the same work:

- ``GET /item`` answers from a cache of the 500 items used last. Its memory grows, then stays.
- ``GET /report`` builds a large report and forgets it. Its memory comes and goes.
- ``POST /login`` opens a session, and registers a listener that tells the session when the service
  shuts down. Sessions are closed again, but nothing ever removes their listeners, and each listener
  keeps its session alive: that is the leak.

Record it, and ask where the memory went:

    memlyze record -o trace.mlyze examples/leaking_service.py
    memlyze summary trace.mlyze
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Callable

import memlyze

REQUESTS = 48_000
CLIENTS = 20
CACHED_ITEMS = 500
REPORT_EVERY = 8000


class ItemCache:
    """The items used last, at most ``CACHED_ITEMS`` of them."""

    def __init__(self) -> None:
        self._items: OrderedDict[int, bytes] = OrderedDict()

    def get(self, number: int) -> bytes:
        item = self._items.pop(number, None)
        if item is None:
            item = load_item(number)
        self._items[number] = item
        if len(self._items) > CACHED_ITEMS:
            self._items.popitem(last=False)
        return item


def load_item(number: int) -> bytes:
    return bytes([number % 256]) * 2000


class Session:
    def __init__(self, user: int) -> None:
        self.user = user
        self.history = [f"/page/{user}/{number}" for number in range(40)]
        self.is_open = True

    def close(self) -> None:
        self.is_open = False


class Service:
    def __init__(self) -> None:
        self.cache = ItemCache()
        self.sessions: dict[int, Session] = {}
        self.shutdown_listeners: list[Callable[[], None]] = []

    async def handle(self, number: int) -> int:
        """Answer one request; the size of the answer."""
        if number % REPORT_EVERY == REPORT_EVERY - 1:
            with memlyze.window("GET /report"):
                return await self.report()
        if number % 3 == 0:
            with memlyze.window("POST /login"):
                return await self.login(number)
        with memlyze.window("GET /item"):
            return await self.item(number * 7919 % 2000)

    async def item(self, number: int) -> int:
        await asyncio.sleep(0)
        return len(self.cache.get(number))

    async def login(self, user: int) -> int:
        session = Session(user)
        self.sessions[user] = session
        self.shutdown_listeners.append(session.close)  # never removed again
        await asyncio.sleep(0)
        self.sessions.pop(user).close()
        return len(session.history)

    async def report(self) -> int:
        rows = [{"row": row, "total": row * 1.5, "text": f"row {row}"} for row in range(60_000)]
        await asyncio.sleep(0)
        return sum(len(str(row["text"])) for row in rows)

    def shut_down(self) -> None:
        for listener in self.shutdown_listeners:
            listener()


async def client(service: Service, numbers: asyncio.Queue[int]) -> int:
    """Send requests until there are none left; the bytes of all answers."""
    received = 0
    while not numbers.empty():
        received += await service.handle(numbers.get_nowait())
    return received


async def serve(service: Service) -> None:
    numbers: asyncio.Queue[int] = asyncio.Queue()
    for number in range(REQUESTS):
        numbers.put_nowait(number)
    received = await asyncio.gather(*(client(service, numbers) for _ in range(CLIENTS)))
    print(f"{REQUESTS} requests answered with {sum(received)} bytes")
    print(f"{len(service.sessions)} sessions open")
    print(f"{len(service.shutdown_listeners)} shutdown listeners left")


if __name__ == "__main__":
    service = Service()  # lives until the program ends, as services do
    asyncio.run(serve(service))
    service.shut_down()
