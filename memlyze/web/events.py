"""Watches the files, and tells the pages what has changed."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import typing

from memlyze.web.answers import encode
from memlyze.web.catalogue import Catalogue
from memlyze.web.served_trace import ServedTrace

_LOOK_S = 0.25
_SIGN_OF_LIFE_S = 15.0


class Watcher:
    """Looks at the files of a catalogue again and again while the server runs."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._listeners: set[asyncio.Queue[bytes | None]] = set()
        self._is_ending = False

    async def watch(self) -> None:
        """Look until cancelled. The files may lie on a slow disk: not on the loop's own thread."""
        loop = asyncio.get_running_loop()
        told = ""
        while True:
            try:
                for trace in await loop.run_in_executor(None, self._catalogue.look):
                    self.tell(trace)
            except Exception as error:  # it may be over the next time
                failure = f"memlyze: the traces cannot be looked at: {error!r}; trying again"
                if failure != told:
                    told = failure
                    print(failure, file=sys.stderr, flush=True)
            await asyncio.sleep(_LOOK_S)

    def tell(self, trace: ServedTrace) -> None:
        """Say how a trace is now, to everybody who listens."""
        for queue in self._listeners:
            queue.put_nowait(_message(trace))

    async def messages(self) -> typing.AsyncIterator[bytes]:
        """The stream of one listener: how each trace is, then what changes."""
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        for trace in self._catalogue.traces:
            queue.put_nowait(_message(trace))
        if self._is_ending:
            return
        self._listeners.add(queue)
        try:
            yield b"retry: 1000\n\n"
            while True:
                message: bytes | None = b": still here\n\n"
                with contextlib.suppress(asyncio.TimeoutError):
                    message = await asyncio.wait_for(queue.get(), _SIGN_OF_LIFE_S)
                if message is None:
                    return
                yield message
        finally:
            self._listeners.discard(queue)

    def end(self) -> None:
        """End all streams, which would otherwise keep the server from ending."""
        self._is_ending = True
        for queue in self._listeners:
            queue.put_nowait(None)


def _message(trace: ServedTrace) -> bytes:
    return b"event: trace\ndata: " + encode(trace.entry) + b"\n\n"
