"""The thread on which traces are decoded and asked, one request after the other.

DuckDB spreads a query over all processors by itself, and a person brushes in one page at a time:
more threads would only make the answer that is waited for come later. What nobody waits for any
more, because the page has moved on, is taken out of the queue, or interrupted.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import threading
import typing

from memlyze.query.session import Trace
from memlyze.web.failures import CancelledError

Work = typing.Callable[["Use"], bytes]
# DuckDB forgets an interruption that comes in the moment before a query begins.
_REPEAT_S = 0.05


class Use:
    """What a piece of work has in its hands: the traces that it asks can be interrupted."""

    def __init__(self) -> None:
        self.traces: list[Trace] = []

    def interrupt(self) -> None:
        """Stop whatever query runs on one of the traces."""
        for trace in self.traces:
            trace.interrupt()


class _Job:
    def __init__(self, key: str, work: Work, loop: asyncio.AbstractEventLoop) -> None:
        self.key = key
        self.work = work
        self.use = Use()
        self.waiters = 0
        self.is_abandoned = False
        self.loop = loop
        self.future: asyncio.Future[bytes] = loop.create_future()

    def settle(self, body: bytes | None, error: BaseException | None) -> None:
        """Hand over the result; on the thread of the loop."""
        if self.future.done():
            return
        if error is not None:
            self.future.set_exception(error)
            self.future.exception()  # there may be nobody left who asks
        else:
            assert body is not None
            self.future.set_result(body)


class Worker:
    """One thread and its queue. All methods but `close` are called on the event loop's thread."""

    def __init__(self) -> None:
        self._jobs: collections.deque[_Job] = collections.deque()
        self._unfinished: dict[str, _Job] = {}
        self._current: _Job | None = None
        self._is_closed = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    async def run(self, key: str, work: Work) -> bytes:
        """Do `work` in its turn and return what it returns; done once for all that wait for one
        `key` at the time. Is cancelled as any coroutine is, and the work with it.

        Raises what the work raises, and CancelledError when the worker is closed.
        """
        job = self._unfinished.get(key)
        if job is None or job.is_abandoned:
            job = self._enqueue(key, work)
        job.waiters += 1
        try:
            return await asyncio.shield(job.future)
        finally:
            job.waiters -= 1
            if job.waiters == 0 and not job.future.done():
                self._abandon(job)

    def _enqueue(self, key: str, work: Work) -> _Job:
        job = _Job(key, work, asyncio.get_running_loop())
        with self._changed:
            if self._is_closed:
                raise CancelledError("memlyze serve is ending")
            self._unfinished[key] = job
            self._jobs.append(job)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="memlyze", daemon=True)
                self._thread.start()
            self._changed.notify_all()
        return job

    def _abandon(self, job: _Job) -> None:
        job.is_abandoned = True
        if self._unfinished.get(job.key) is job:
            del self._unfinished[job.key]
        with self._changed:
            if job in self._jobs:
                self._jobs.remove(job)
        self._interrupt(job)

    def _interrupt(self, job: _Job) -> None:
        with self._changed:  # so that it does not strike the next one
            if self._current is not job:
                return
            job.use.interrupt()
        with contextlib.suppress(RuntimeError):  # the loop has ended
            job.loop.call_later(_REPEAT_S, self._interrupt, job)

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._jobs and not self._is_closed:
                    self._changed.wait()
                if self._is_closed:
                    return
                job = self._current = self._jobs.popleft()
            body, error = None, None
            try:
                body = job.work(job.use)
            except BaseException as raised:
                error = raised
            with self._changed:
                self._current = None
            with contextlib.suppress(RuntimeError):
                job.loop.call_soon_threadsafe(self._finish, job, body, error)

    def _finish(self, job: _Job, body: bytes | None, error: BaseException | None) -> None:
        if self._unfinished.get(job.key) is job:
            del self._unfinished[job.key]
        if job.is_abandoned:
            error = CancelledError("the request was given up")
        job.settle(body, error)

    def close(self) -> None:
        """Stop what runs, drop what waits, and wait for the thread to end."""
        with self._changed:
            self._is_closed = True
            self._jobs.clear()
            self._changed.notify_all()
        while self._thread is not None and self._thread.is_alive():
            with self._changed:
                if self._current is not None:
                    self._current.use.interrupt()
            self._thread.join(_REPEAT_S)
