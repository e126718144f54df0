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


def write_file(relation: DuckDBPyRelation, form: str, path: str) -> None:
    """Write the result to a file, replacing it when all is written.

    Raises CommandError when it cannot be written, `duckdb.Error` when the query fails.
    """
    partial = f"{path}.{os.getpid()}.partial"
    try:
        with open(partial, "wb") as file:
            _write(relation, form, file.fileno(), file)
        os.replace(partial, path)
    except OSError as error:
        raise CommandError(
            f"{path} cannot be written: {error.strerror}; choose another -o"
        ) from None
    finally:
        with contextlib.suppress(OSError):
            os.unlink(partial)


def write_stdout(relation: DuckDBPyRelation, form: str) -> None:
    """Write the result to standard output.

    Raises BrokenPipeError when nobody reads it any more, `duckdb.Error` when the query fails.
    """
    sys.stdout.flush()
    _write(relation, form, sys.stdout.fileno(), sys.stdout.buffer)


def _write(relation: DuckDBPyRelation, form: str, descriptor: int, sink: typing.BinaryIO) -> None:
    if form == "arrow":
        _write_arrow(relation, sink)
    else:
        _copy_through_pipe(relation, _COPY_OPTIONS[form], descriptor)


def _copy_through_pipe(relation: DuckDBPyRelation, options: str, descriptor: int) -> None:
    """COPY needs a path, and would truncate a file that stdout is redirected to: give it a pipe."""
    import duckdb

    read_end, write_end = os.pipe()
    failures: list[OSError] = []

    def pump() -> None:
        try:
            while True:
                data = os.read(read_end, 1 << 16)
                if not data:
                    return
                view = memoryview(data)
                while view:
                    view = view[os.write(descriptor, view) :]
        except OSError as error:
            failures.append(error)
        finally:
            os.close(read_end)  # DuckDB's next write then fails, and the query ends

    thread = threading.Thread(target=pump, daemon=True)
    thread.start()
    connection = duckdb.connect()
    try:
        connection.register("result", _ArrowStream(relation))
        connection.execute(f"COPY result TO '/dev/fd/{write_end}' ({options})")
    except duckdb.Error:
        if not failures:
            raise
    finally:
        connection.close()
        os.close(write_end)
        thread.join()
    if failures:
        raise failures[0]


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
