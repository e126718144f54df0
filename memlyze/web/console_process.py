"""The process in which queries of the SQL console run: `python -m memlyze.web.console_process`.

Somebody else's SQL may take all memory or never end, and DuckDB's own limits do not stop every such
query. This process can be killed without the server noticing more than an end of file. It reads
requests from standard input and writes answers to standard output, each a length and a JSON object.
"""

from __future__ import annotations

import collections
import contextlib
import os
import queue
import sys
import threading
import time
import typing

from memlyze.errors import MemlyzeError, QueryError
from memlyze.query import guard
from memlyze.query.limits import Bounds
from memlyze.web.console_limits import LIMITS
from memlyze.web.framing import Message, frame, read_message
from memlyze.web.result_table import ResultTable, take_result

if typing.TYPE_CHECKING:
    from memlyze.query.session import Trace

# Results that can be paged through: a page shows one, and the one before is asked for again.
_KEPT_RESULTS = 2
_REPEAT_S = 0.05
_SPILL_BYTES = 8 << 30
# DuckDB counts what it takes itself; beside that there are its texts, and Python's results.
_BESIDE = 1.5


class Console:
    """Answers the requests, one after the other."""

    def __init__(self) -> None:
        self._trace: Trace | None = None
        self._opened: tuple[typing.Any, ...] = ()
        self._results: collections.OrderedDict[str, ResultTable] = collections.OrderedDict()
        self._number = 0  # of the request that is being answered; 0: none is
        self._count = 0

    def answer(self, request: Message) -> Message:
        """What a request of the server is answered."""
        import duckdb

        handle = {"run": self._run, "page": self._page, "write": self._write}[request["do"]]
        self._count += 1
        self._number = self._count
        try:
            return handle(request)
        except duckdb.InterruptException:
            return {"failed": "cancelled", "error": "the query was cancelled"}
        except (MemoryError, duckdb.OutOfMemoryException):
            self._results.clear()
            return {
                "failed": "memory",
                "error": f"the query needs more than {LIMITS.memory_bytes >> 20} MiB; "
                "let it read less, or sum up earlier, or run it with memlyze query",
            }
        except duckdb.Error as error:  # while the rows were computed
            from memlyze.query.refusals import refusal

            return {"failed": "query", "error": str(refusal(error, request.get("query", "")))}
        except QueryError as error:
            return {"failed": "query", "error": str(error)}
        except MemlyzeError as error:
            return {"failed": "trace", "error": str(error)}
        finally:
            self._number = 0

    def interrupt(self) -> None:
        """Stop what runs, on another thread."""
        number = self._number
        while number and self._number == number:
            if self._trace is not None:
                self._trace.interrupt()
            time.sleep(_REPEAT_S)

    def _run(self, request: Message) -> Message:
        trace = self._open(request)
        began = time.perf_counter_ns()
        with limited_memory(), trace.reading(request["query"]) as relation:
            assert relation is not None
            result = take_result(relation, LIMITS.rows)
        self._results[request["query_id"]] = result
        while len(self._results) > _KEPT_RESULTS:
            self._results.popitem(last=False)
        return {
            "query_id": request["query_id"],
            "columns": result.described,
            "row_count": result.row_count,
            "is_truncated": result.is_truncated,
            "elapsed_ns": time.perf_counter_ns() - began,
            "page": result.page(0, request["page_rows"]),
        }

    def _page(self, request: Message) -> Message:
        result = self._results.get(request["query_id"])
        if result is None:
            return {"failed": "gone", "error": "this result is no longer kept; run the query again"}
        return result.page(request["offset"], request["limit"])

    def _write(self, request: Message) -> Message:
        from memlyze.exporters.query_result import write_result

        trace = self._open(request)
        with limited_memory(), trace.reading(request["query"]) as relation:
            assert relation is not None
            try:
                with open(request["path"], "wb") as file:
                    write_result(relation, request["format"], file, trace.interrupt)
            except OSError as error:
                reason = error.strerror or str(error)
                raise MemlyzeError(f"{request['path']} cannot be written: {reason}") from None
        return {}

    def _open(self, request: Message) -> Trace:
        """The trace of the request, opened anew when it is another one or has grown."""
        wanted = (request["path_of_trace"], request["revision"])
        if self._trace is None or self._opened != wanted:
            from memlyze.query.session import open_trace

            self.close()
            self._trace = open_trace(
                request["path_of_trace"],
                trusted=False,
                bounds=Bounds(memory_bytes=LIMITS.memory_bytes, spill_bytes=_SPILL_BYTES),
            )
            self._opened = wanted
        # What is decoded does not count for the query, and takes what it takes.
        connection = self._trace.connection
        self._trace.decode_for(guard.check_statement(connection, request["query"]))
        return self._trace

    def close(self) -> None:
        """Give back the trace."""
        if self._trace is not None:
            self._trace.close()
            self._trace = None


@contextlib.contextmanager
def limited_memory() -> typing.Iterator[None]:
    """Within it the process gets only so much memory more, whoever asks for it."""
    try:
        import resource

        with open("/proc/self/status", encoding="ascii") as file:
            taken = next(int(line.split()[1]) for line in file if line.startswith("VmData:"))
    except (ImportError, OSError, StopIteration):  # not Linux: DuckDB's own limit has to do
        yield
        return
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    limit = taken * 1024 + round(LIMITS.memory_bytes * _BESIDE)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def main() -> None:
    """Answer until the server ends."""
    requests: queue.Queue[Message] = queue.Queue()
    console = Console()
    # What some library prints must not come between the messages.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def read() -> None:
        while True:
            message = read_message(sys.stdin.buffer)
            if message is None:
                os._exit(0)  # the server has ended; whatever runs is for nobody
            if message["do"] == "cancel":
                threading.Thread(target=console.interrupt, daemon=True).start()
            else:
                requests.put(message)

    threading.Thread(target=read, daemon=True).start()
    while True:
        answer = console.answer(requests.get())
        answers.write(frame(answer))
        answers.flush()
