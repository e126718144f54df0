"""From a request to an answer about a trace, by way of the worker and of what was answered
before.
"""

from __future__ import annotations

import asyncio
import secrets
import time
import typing

from starlette.requests import Request
from starlette.responses import Response

from memlyze.analyses.selection import END_NS, Selection
from memlyze.query.session import Trace
from memlyze.web.answers import JSON, Kept, encode, packed, tag_of
from memlyze.web.catalogue import Catalogue
from memlyze.web.columns import COLUMNS, encode_columns
from memlyze.web.contract import Values, read_parameters
from memlyze.web.failures import BadRequestError, CancelledError
from memlyze.web.served_trace import Entry, ServedTrace
from memlyze.web.worker import Use, Worker

# What was told under the same revision of an earlier server must not pass for what is told by this.
_THIS_SERVER = secrets.token_hex(8)


class Asked(typing.NamedTuple):
    """What a request wants to know, and of which trace."""

    trace: Trace
    entry: Entry
    values: Values
    """Parameters by name, of the path as well."""
    base: Trace | None
    """The other trace of a comparison."""

    @property
    def selection(self) -> Selection:
        """The allocations that the parameters choose."""
        return Selection(
            from_ns=self.values.get("from_ns") or 0,
            to_ns=self.to_ns,
            process=self.values.get("process_id"),
            thread=self.values.get("thread_id"),
            window=self.values.get("window_id"),
        )

    @property
    def to_ns(self) -> int:
        """The end of the range; END_NS where none was given."""
        given = self.values.get("to_ns")
        return END_NS if given is None else int(given)

    @property
    def at_ns(self) -> int:
        """The moment of the cursor; END_NS where none was given."""
        given = self.values.get("at_ns")
        return END_NS if given is None else int(given)


Answer = typing.Callable[[Asked], object]


class Asking:
    """Answers requests about traces."""

    def __init__(self, catalogue: Catalogue, worker: Worker) -> None:
        self.catalogue = catalogue
        self.worker = worker
        self._kept = Kept()

    async def answer(self, request: Request, path: str, function: Answer) -> Response:
        """The response to a request for `path` of the contract, which `function` answers."""
        values = read_parameters(path, request.query_params.multi_items())
        values.update(request.path_params)
        _check_range(values)
        trace = self.catalogue.find(values.get("trace"))
        base = self.catalogue.find(values["base"]) if values.get("base") is not None else None
        media_type = COLUMNS if COLUMNS in request.headers.get("accept", "") else JSON
        parameters = sorted(values.items(), key=str)
        tag = tag_of(_THIS_SERVER, path, media_type, parameters, _now(trace), _now(base))
        headers = {
            "ETag": tag,
            "Cache-Control": "private, no-cache",
            "Memlyze-Revision": str(trace.revision),
        }
        if tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        body = self._kept.get(tag)
        if body is None:
            body = await until_gone(
                request, self._compute(tag, trace, base, values, function, media_type)
            )
            self._kept.keep(tag, body)
        if media_type == COLUMNS:  # to compress them takes longer than to send them
            return Response(body, media_type=COLUMNS, headers={**headers, "Vary": "Accept"})
        sent, encoding = packed(body, request.headers.get("accept-encoding", ""))
        encoding["Vary"] += ", Accept"
        return Response(sent, media_type=JSON, headers={**headers, **encoding})

    async def prepare(self, path: str, function: Answer) -> None:
        """Open the first trace, and have the answer to a request for `path` alone ready."""
        values = read_parameters(path, [])
        trace = self.catalogue.find(None)
        tag = tag_of(_THIS_SERVER, path, JSON, sorted(values.items(), key=str), _now(trace), ())
        self._kept.keep(tag, await self._compute(tag, trace, None, values, function, JSON))

    def _compute(
        self,
        tag: str,
        trace: ServedTrace,
        base: ServedTrace | None,
        values: Values,
        function: Answer,
        media_type: str,
    ) -> typing.Coroutine[typing.Any, typing.Any, bytes]:
        def work(use: Use) -> bytes:
            begun = time.monotonic()
            opened = self._open(trace, use)
            other = self._open(base, use) if base is not None else None
            answer = function(Asked(opened, trace.entry, values, other))
            body = encode_columns(answer) if media_type == COLUMNS else encode(answer)
            trace.note_cost(time.monotonic() - begun)
            return body

        return self.worker.run(tag, work)

    def _open(self, trace: ServedTrace, use: Use) -> Trace:
        self.catalogue.used(trace)
        opened = trace.session()
        use.traces.append(opened)
        return opened


def _check_range(values: Values) -> None:
    from_ns, to_ns = values.get("from_ns") or 0, values.get("to_ns")
    if to_ns is not None and to_ns < from_ns:
        raise BadRequestError(
            f"the range ends before it begins; to_ns ({to_ns}) is not before from_ns ({from_ns})"
        )


def _now(trace: ServedTrace | None) -> tuple[object, ...]:
    return () if trace is None else (trace.id, trace.revision)


Result = typing.TypeVar("Result")


async def until_gone(
    request: Request, work: typing.Coroutine[typing.Any, typing.Any, Result]
) -> Result:
    """What `work` returns; cancels it when the client goes away, and raises CancelledError."""
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise CancelledError("the request was given up")
        return task.result()
    finally:
        for unfinished in (task, gone):
            unfinished.cancel()


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
