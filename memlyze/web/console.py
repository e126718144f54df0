"""The server's end of the SQL console: sends queries to a process of their own, and ends it when a
query does not stop otherwise.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import os
import shutil
import sys
import tempfile
import typing

import orjson

from memlyze.web.console_limits import LIMITS
from memlyze.web.failures import (
    BadRequestError,
    CancelledError,
    GoneError,
    NotFoundError,
    QueryFailedError,
    RequestError,
    TooGreatError,
    TooSlowError,
)
from memlyze.web.framing import LENGTH, Message, frame
from memlyze.web.served_trace import ServedTrace

# A query that has not stopped by then is stopped with its process.
_GRACE_S = 1.5
_IDLE_S = 300.0
_DOWNLOAD_S = 1800.0
_REMEMBERED_QUERIES = 50
# The same modules as here, whatever the folder in which the server was started has in it.
_CODE = "import sys; sys.path[:] = {path!r}; from memlyze.web.console_process import main; main()"


class Query(typing.NamedTuple):
    """A query that was run, for its further pages and its download."""

    trace: ServedTrace
    sql: str


class _Question:
    """Something that is asked of the process, from when it waits for its turn."""

    def __init__(self, query_id: str) -> None:
        self.query_id = query_id
        self.is_cancelled = False


class Console:
    """Runs one query after the other. All methods are called on the event loop's thread."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._folder: str | None = None
        self._turn: asyncio.Lock | None = None
        self._queries: collections.OrderedDict[str, Query] = collections.OrderedDict()
        self._questions: list[_Question] = []
        self._running: _Question | None = None
        self._idle: asyncio.TimerHandle | None = None

    async def run(
        self, trace: ServedTrace, sql: str, query_id: str, page_rows: int
    ) -> dict[str, typing.Any]:
        """Run a query and return its `SqlResult`. Raises RequestError."""
        if query_id in self._queries:
            raise BadRequestError(
                f"there was a query {query_id!r} before; give each an id of its own"
            )
        self._queries[query_id] = Query(trace, sql)
        while len(self._queries) > _REMEMBERED_QUERIES:
            self._queries.popitem(last=False)
        asked = {"do": "run", "query_id": query_id, "page_rows": page_rows}
        return await self._ask(query_id, {**asked, **_what(trace, sql)}, LIMITS.seconds)

    async def page(self, query_id: str, offset: int, limit: int) -> dict[str, typing.Any]:
        """Some rows of a result, as `SqlPage`. Raises RequestError."""
        self._find(query_id)
        asked = {"do": "page", "query_id": query_id, "offset": offset, "limit": limit}
        return await self._ask(query_id, asked, LIMITS.seconds)

    async def download(self, query_id: str, form: str) -> str:
        """Run a query again and write all of its rows to a file; its path. The caller removes it.

        Raises RequestError.
        """
        query = self._find(query_id)
        descriptor, path = tempfile.mkstemp(prefix="memlyze-", suffix="." + form)
        os.close(descriptor)
        asked = {"do": "write", "format": form, "path": path, **_what(query.trace, query.sql)}
        try:
            await self._ask(query_id, asked, _DOWNLOAD_S)
        except BaseException:
            os.unlink(path)
            raise
        return path

    def _find(self, query_id: str) -> Query:
        if query_id not in self._queries:
            raise NotFoundError(f"there is no query {query_id!r} here; run it first")
        return self._queries[query_id]

    def cancel(self, query_id: str) -> None:
        """Stop a query that runs or waits; of one that is finished, forget it."""
        running = self._running
        for question in self._questions:
            if question.query_id == query_id:
                question.is_cancelled = True
        if running is not None and running.query_id == query_id:
            self._send({"do": "cancel"})
            loop = asyncio.get_running_loop()
            loop.call_later(_GRACE_S, self._end_if_running, self._process, running)
        else:
            self._queries.pop(query_id, None)

    def _end_if_running(
        self, process: asyncio.subprocess.Process | None, question: _Question
    ) -> None:
        if self._process is process and self._running is question:
            self.close()

    async def _ask(self, query_id: str, message: Message, seconds: float) -> dict[str, typing.Any]:
        question = _Question(query_id)
        self._questions.append(question)
        try:
            return _checked(await self._answer(question, message, seconds))
        finally:
            self._questions.remove(question)

    async def _answer(
        self, question: _Question, message: Message, seconds: float
    ) -> dict[str, typing.Any]:
        if self._turn is None:  # before CPython 3.10 a lock belongs to the loop that made it
            self._turn = asyncio.Lock()
        async with self._turn:
            if self._idle is not None:
                self._idle.cancel()
            try:
                await self._start()
                if question.is_cancelled:
                    raise CancelledError("the query was cancelled before it began")
                self._running = question
                self._send(message)
                return await self._receive(question, seconds)
            finally:
                self._running = None
                self._idle = asyncio.get_running_loop().call_later(_IDLE_S, self.close)

    async def _receive(self, question: _Question, seconds: float) -> dict[str, typing.Any]:
        assert self._process is not None and self._process.stdout is not None
        reading = asyncio.ensure_future(_read(self._process.stdout))
        try:
            done, _ = await asyncio.wait({reading}, timeout=seconds)
            if not done:
                self.cancel(question.query_id)
                await asyncio.wait({reading}, timeout=2 * _GRACE_S)
                if reading.done():
                    reading.exception()  # that the process was ended is no news
                raise TooSlowError(
                    f"the query was stopped after {seconds:.0f} seconds; let it read less, "
                    "or run it with memlyze query"
                )
            return reading.result()
        except (asyncio.IncompleteReadError, ConnectionError):
            self.close()
            if question.is_cancelled:
                raise CancelledError("the query was cancelled") from None
            raise TooGreatError(
                "the query ended the process that it ran in, most likely for want of memory; "
                "let it read less"
            ) from None
        finally:
            if not reading.done():
                # The answer would be taken for that of the next question.
                reading.cancel()
                self.close()

    async def _start(self) -> None:
        if self._process is not None and self._process.returncode is None:
            return
        self.close()
        self._folder = tempfile.mkdtemp(prefix="memlyze-console-")
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            _CODE.format(path=sys.path),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            # What is left behind when it is killed goes with the folder.
            env={**os.environ, "TMPDIR": self._folder},
        )

    def _send(self, message: Message) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.write(frame(message))

    def close(self) -> None:
        """End the process, whatever it does."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            self._process = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None


def _what(trace: ServedTrace, sql: str) -> Message:
    return {"path_of_trace": trace.path, "revision": trace.revision, "query": sql}


async def _read(stream: asyncio.StreamReader) -> dict[str, typing.Any]:
    (size,) = LENGTH.unpack(await stream.readexactly(LENGTH.size))
    found: dict[str, typing.Any] = orjson.loads(await stream.readexactly(size))
    return found


def _checked(answer: dict[str, typing.Any]) -> dict[str, typing.Any]:
    if "failed" not in answer:
        return answer
    failures: dict[str, type[RequestError]] = {
        "cancelled": CancelledError,
        "gone": GoneError,
        "memory": TooGreatError,
    }
    raise failures.get(answer["failed"], QueryFailedError)(answer["error"])
