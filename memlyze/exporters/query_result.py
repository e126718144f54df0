"""Writes the result of a query as CSV, JSON, JSON lines, Parquet or Arrow.

DuckDB does the writing, on a second connection that reads the result as it is produced: the first
one, on which the query runs, has no access to files.
"""

from __future__ import annotations

import codecs
import os
import re
import threading
import typing

from memlyze.exporters import csv, json, parquet
from memlyze.exporters.arrow import ArrowStream, write_arrow
from memlyze.wording.names import printable

if typing.TYPE_CHECKING:
    from duckdb import DuckDBPyConnection, DuckDBPyRelation

    from memlyze.query.session import Trace

Interrupt = typing.Callable[[], object]

_COPY_OPTIONS = {
    "csv": csv.COPY_OPTIONS,
    "json": json.COPY_OPTIONS,
    "jsonl": json.LINES_COPY_OPTIONS,
    "parquet": parquet.COPY_OPTIONS,
}
#: What `--format` accepts beside `table`.
FORMATS = (*_COPY_OPTIONS, "arrow")
BINARY_FORMATS = ("parquet", "arrow")


def format_of(path: str | None) -> str | None:
    """The format that the name of an output file asks for; None: none in particular."""
    extension = os.path.splitext(path or "")[1].lower().lstrip(".")
    return {"ndjson": "jsonl", "feather": "arrow"}.get(
        extension, extension if extension in FORMATS else None
    )


def write_query(trace: Trace, query: str, form: str, sink: typing.BinaryIO) -> None:
    """Write what a query of our own gives to an open file, straight from the trace.

    Raises `duckdb.Error` when it cannot be written.
    """
    if form == "arrow":
        write_arrow(trace.sql(query), sink)
        return
    trace.decode_for(query)
    _copy_through_pipe(trace.connection, f"({query})", form, sink.fileno())


def write_result(
    relation: DuckDBPyRelation, form: str, sink: typing.BinaryIO, interrupt: Interrupt
) -> None:
    """Write the result to an open file; `interrupt` stops the query. A terminal is given no control
    characters.

    Raises BrokenPipeError when nobody reads it any more, OSError when it cannot be written,
    `duckdb.Error` when the query fails.
    """
    import duckdb

    if form == "arrow":
        write_arrow(relation, sink)
        return
    with duckdb.connect() as connection:
        connection.register("result", ArrowStream(relation))
        try:
            _copy_through_pipe(connection, "result", form, sink.fileno())
        except BaseException:
            interrupt()
            raise


def _copy_through_pipe(
    connection: DuckDBPyConnection, source: str, form: str, descriptor: int
) -> None:
    """COPY needs a path, and would truncate a file that stdout is redirected to: give it a pipe.

    It runs on a thread of its own, while this one takes what comes out of the pipe.
    """
    read_end, write_end = os.pipe()
    failures: list[Exception] = []

    def copy() -> None:
        try:
            connection.execute(f"COPY {source} TO '/dev/fd/{write_end}' ({_COPY_OPTIONS[form]})")
        except Exception as error:
            failures.append(error)
        finally:
            os.close(write_end)

    thread = threading.Thread(target=copy, daemon=True)
    thread.start()
    try:
        _drain(read_end, descriptor, _shown_as(form) if os.isatty(descriptor) else bytes)
    except BaseException:
        connection.interrupt()
        raise
    finally:
        os.close(read_end)  # whatever DuckDB still writes fails, and ends the query
        thread.join()
    if failures:
        raise failures[0]


def _drain(source: int, sink: int, change: typing.Callable[[bytes], bytes]) -> None:
    """Copy all bytes from one descriptor to another, piece by piece as `change` makes them; the end
    is an empty piece.
    """
    while True:
        piece = os.read(source, 1 << 16)
        data = memoryview(change(piece))
        while data:
            data = data[os.write(sink, data) :]
        if not piece:
            return


def _shown_as(form: str) -> typing.Callable[[bytes], bytes]:
    """What makes text in pieces fit for a terminal; JSON stays JSON."""
    decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
    show = _printable_json if form in ("json", "jsonl") else printable

    def shown(piece: bytes) -> bytes:
        lines = decoder.decode(piece, not piece).split("\n")
        return "\n".join(line if line.isprintable() else show(line) for line in lines).encode()

    return shown


def _printable_json(text: str) -> str:
    return "".join(
        character
        if character.isprintable() or character == "\t"  # DuckDB's, before each object
        else re.sub("....", r"\\u\g<0>", character.encode("utf-16-be").hex())
        for character in text
    )
