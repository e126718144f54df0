"""Writes the result of a query as CSV, JSON, JSON lines, Parquet or Arrow.

DuckDB does the writing, on a second connection that reads the result as it is produced: the first
one, on which the query runs, has no access to files.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import threading
import typing

from memlyze.cli.errors import CommandError

if typing.TYPE_CHECKING:
    from duckdb import DuckDBPyRelation

Interrupt = typing.Callable[[], object]

_COPY_OPTIONS = {
    "csv": "FORMAT csv, HEADER true",
    "json": "FORMAT json, ARRAY true",
    "jsonl": "FORMAT json",
    "parquet": "FORMAT parquet, COMPRESSION zstd",
}
#: What `--format` accepts beside `table`.
FORMATS = (*_COPY_OPTIONS, "arrow")
BINARY_FORMATS = ("parquet", "arrow")


class _ArrowStream:
    """A relation with only what DuckDB and pyarrow need to read it: the Arrow stream protocol."""

    def __init__(self, relation: DuckDBPyRelation) -> None:
        self._relation = relation

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._relation.__arrow_c_stream__(requested_schema)


def format_of(path: str | None) -> str | None:
    """The format that the name of an output file asks for; None: none in particular."""
    extension = os.path.splitext(path or "")[1].lower().lstrip(".")
    return {"ndjson": "jsonl", "feather": "arrow"}.get(
        extension, extension if extension in FORMATS else None
    )


def write_file(relation: DuckDBPyRelation, form: str, path: str, interrupt: Interrupt) -> None:
    """Write the result to a file; `interrupt` stops the query.

    Raises CommandError when it cannot be written, `duckdb.Error` when the query fails.
    """
    with output_file(path) as file:
        _write(relation, form, file, interrupt)


@contextlib.contextmanager
def output_file(path: str) -> typing.Iterator[typing.BinaryIO]:
    """The file to write a result to. It takes its name when all is written; devices and pipes are
    written to as they are.

    Raises CommandError when it cannot be written.
    """
    path = os.path.realpath(path)
    is_replaced = os.path.isfile(path) or not os.path.exists(path)
    partial = f"{path}.{os.getpid()}.partial" if is_replaced else path
    try:
        with open(partial, "wb") as file:
            yield file
        if is_replaced:
            os.replace(partial, path)
    except OSError as error:
        raise CommandError(
            f"{path} cannot be written: {error.strerror}; choose another -o"
        ) from None
    finally:
        if is_replaced:
            with contextlib.suppress(OSError):
                os.unlink(partial)


def write_stdout(relation: DuckDBPyRelation, form: str, interrupt: Interrupt) -> None:
    """Write the result to standard output; `interrupt` stops the query.

    Raises BrokenPipeError when nobody reads it any more, `duckdb.Error` when the query fails.
    """
    sys.stdout.flush()
    _write(relation, form, sys.stdout.buffer, interrupt)


def _write(
    relation: DuckDBPyRelation, form: str, sink: typing.BinaryIO, interrupt: Interrupt
) -> None:
    if form == "arrow":
        _write_arrow(relation, sink)
    else:
        _copy_through_pipe(relation, _COPY_OPTIONS[form], sink.fileno(), interrupt)


def _copy_through_pipe(
    relation: DuckDBPyRelation, options: str, descriptor: int, interrupt: Interrupt
) -> None:
    """COPY needs a path, and would truncate a file that stdout is redirected to: give it a pipe.

    It runs on a thread of its own, while this one takes what comes out of the pipe.
    """
    import duckdb

    read_end, write_end = os.pipe()
    connection = duckdb.connect()
    failures: list[Exception] = []

    def copy() -> None:
        try:
            connection.execute(f"COPY result TO '/dev/fd/{write_end}' ({options})")
        except Exception as error:
            failures.append(error)
        finally:
            os.close(write_end)

    connection.register("result", _ArrowStream(relation))
    thread = threading.Thread(target=copy, daemon=True)
    thread.start()
    try:
        _drain(read_end, descriptor)
    except BaseException:
        connection.interrupt()
        interrupt()
        raise
    finally:
        os.close(read_end)  # whatever DuckDB still writes fails, and ends the query
        thread.join()
        connection.close()
    if failures:
        raise failures[0]


def _drain(source: int, sink: int) -> None:
    """Copy all bytes from one descriptor to another."""
    while True:
        data = memoryview(os.read(source, 1 << 16))
        if not data:
            return
        while data:
            data = data[os.write(sink, data) :]


def _write_arrow(relation: DuckDBPyRelation, sink: typing.BinaryIO) -> None:
    try:
        pa = importlib.import_module("pyarrow")
    except ImportError:
        raise CommandError(
            "--format arrow needs the package pyarrow: pip install pyarrow "
            "(or take --format parquet, which needs nothing more)"
        ) from None
    reader = pa.RecordBatchReader.from_stream(_ArrowStream(relation))
    with pa.ipc.new_file(sink, reader.schema) as writer:
        for batch in reader:
            writer.write_batch(batch)
    sink.flush()
