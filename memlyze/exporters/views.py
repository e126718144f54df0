"""The views of a trace as files, one for each view, in a format of tables.

DuckDB streams each view into its file; what is in memory is what the reader has decoded.
"""

from __future__ import annotations

import os
import typing

from memlyze.analyses.selection import choose
from memlyze.errors import MemlyzeError
from memlyze.exporters import csv, json, parquet
from memlyze.exporters.arrow import SUFFIX as ARROW_SUFFIX
from memlyze.exporters.arrow import write_arrow
from memlyze.exporters.destinations import Destination
from memlyze.exporters.partitions import Labels, partition_folder
from memlyze.exporters.request import Request
from memlyze.query.definitions import VIEW_ORDER
from memlyze.query.session import Trace

ARROW = "arrow"
_COPY: dict[str, tuple[str, str]] = {
    "json": (json.SUFFIX, json.COPY_OPTIONS),
    "jsonl": (json.LINES_SUFFIX, json.LINES_COPY_OPTIONS),
    "csv": (csv.SUFFIX, csv.COPY_OPTIONS),
    "parquet": (parquet.SUFFIX, parquet.COPY_OPTIONS),
}
#: The formats of tables.
FORMATS = (*_COPY, ARROW)
VIEWS = VIEW_ORDER

# Which rows are of a process.
_OWN_PROCESS = "process_id = {}"
_OF_PROCESS = {
    "object_references": "from_id IN (SELECT object_id FROM objects WHERE process_id = {})"
}

_HERE = os.path.dirname(os.path.abspath(__file__))


class Written(typing.NamedTuple):
    """A file that was written."""

    name: str
    rows: int
    bytes: int


def suffix_of(form: str) -> str:
    """What the names of files of a format end in."""
    return ARROW_SUFFIX if form == ARROW else _COPY[form][0]


def view_query(trace: Trace, request: Request, view: str) -> str:
    """The query that gives the rows of one view, on this trace."""
    _select_allocations(trace, request)
    return f"FROM {_source(view)}"


def export_views(
    trace: Trace,
    form: str,
    destination: Destination,
    request: Request,
    *,
    views: typing.Sequence[str] = VIEWS,
) -> typing.Iterator[Written]:
    """Write `VIEW.parquet` (or whichever `form`) for each of `views`.

    `request` is about the rows of `allocations`; all others are written whole.
    """
    _select_allocations(trace, request)
    for view in views:
        yield _write(trace, form, destination, view + suffix_of(form), f"FROM {_source(view)}")


def export_partitions(
    trace: Trace,
    form: str,
    destination: Destination,
    request: Request,
    *,
    keys: typing.Sequence[str],
    labels: Labels,
    views: typing.Sequence[str] = VIEWS,
) -> typing.Iterator[Written]:
    """Write `VIEW/service=…/date=…/host=…/RECORDING.parquet` for each of `views` and each process.

    RECORDING is the recording's id, which is a first column, too: ids of stacks, frames, … are
    unique only together with it. A trace that is exported again replaces its files.
    """
    _select_allocations(trace, request)
    folders = [partition_folder(file.metadata, keys, labels) for file in trace.files]
    for number, (process_id, folder) in enumerate(zip(trace.process_ids, folders)):
        recording = _recording_id(trace, number)
        for view in views:
            query = f"SELECT '{recording}' AS recording_id, * FROM {_source(view)}"
            if len(folders) > 1:
                query += " WHERE " + _OF_PROCESS.get(view, _OWN_PROCESS).format(process_id)
            name = f"{view}/{folder}/{recording}{suffix_of(form)}"
            yield _write(trace, form, destination, name, query)


def _source(view: str) -> str:
    if view not in VIEWS:
        raise MemlyzeError(f"there is no view {view!r}; the views are {', '.join(VIEWS)}")
    return "_selected_allocations" if view == "allocations" else view


def _recording_id(trace: Trace, number: int) -> str:
    """A name that no other recording has, of letters that need no quotes anywhere."""
    metadata = trace.files[number].metadata
    told = metadata.get("recording_id")
    if not isinstance(told, str) or not told:  # of a file that was made elsewhere
        keys = ("hostname", "process_id", "start_time_unix_ns")
        told = "-".join(str(metadata.get(key, "")) for key in keys)
    return "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in told)


def _select_allocations(trace: Trace, request: Request) -> None:
    chosen = choose(trace, request.selection)
    connection = trace.connection
    connection.execute(
        _read("selection"),
        {
            **chosen.parameters,
            "what": request.what,
            "live_at_ns": request.held_moment(trace),
            "within_ns": request.within_ns,
            "stack_ids": chosen.stack_ids,
        },
    )
    connection.execute(_read("selected_allocations"))


def _read(name: str) -> str:
    with open(os.path.join(_HERE, name + ".sql"), encoding="utf-8") as file:
        return file.read()


def _write(trace: Trace, form: str, destination: Destination, name: str, query: str) -> Written:
    import duckdb

    trace.decode_for(query)
    with destination.file(name) as path:
        try:
            if form == ARROW:
                rows = _write_arrow(trace, query, path)
            else:
                rows = copy_to(trace.connection, query, path, _COPY[form][1])
        except duckdb.InterruptException:
            raise KeyboardInterrupt from None
        except duckdb.Error as error:
            reason = str(error).splitlines()[0]
            raise MemlyzeError(
                f"{name} cannot be written: {reason}; make room for it, or choose another place"
            ) from None
        return Written(name, rows, os.path.getsize(path))


def _write_arrow(trace: Trace, query: str, path: str) -> int:
    with open(path, "wb") as file:
        return write_arrow(trace.sql(query), file)


def copy_to(connection: typing.Any, query: str, path: str, options: str) -> int:
    """Stream the rows of a query into a file; return how many they are."""
    escaped = path.replace("'", "''")
    ((rows,),) = connection.execute(f"COPY ({query}) TO '{escaped}' ({options})").fetchall()
    return int(rows)
