"""Holds the tables of the fast reader against those of the reference decoder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from memlyze.trace.reader import TraceFile
from memlyze.trace.reference_decoder import ReferenceTrace, decode

COMPARED_TABLES = (
    "allocations",
    "frees",
    "frames",
    "stacks",
    "stack_frames",
    "threads",
    "memory",
    "resident",
    "gc",
    "windows",
    "samplings",
    "checkpoints",
    "object_types",
    "objects",
    "object_references",
    "object_names",
    "object_texts",
    "object_roots",
    "sources",
)


def rows_of(table: dict[str, Any]) -> list[dict[str, Any]]:
    """A table of columns as a list of rows."""
    names = list(table)
    columns = [table[name].tolist() for name in names]
    return [dict(zip(names, row)) for row in zip(*columns)]


def read_tables(path: Path, **options: Any) -> dict[str, list[dict[str, Any]]]:
    """All compared tables of a file by the fast reader, as rows."""
    with TraceFile(path, **options) as trace:
        tables = {name: rows_of(trace.table(name)) for name in COMPARED_TABLES}
    for row in tables["allocations"]:
        row.setdefault("weight", 1.0)
    return tables


def assert_readers_agree(path: Path, **options: Any) -> ReferenceTrace:
    """Read a file both ways and compare everything; returns what the reference decoder says."""
    expected = decode(path.read_bytes())
    tables = read_tables(path, **options)
    for name in COMPARED_TABLES:
        # As texts, NaN equals itself and 1 differs from 1.0.
        assert list(map(_text, tables[name])) == list(map(_text, expected.tables[name])), name
    with TraceFile(path) as trace:
        assert repr(trace.metadata) == repr(expected.metadata)
        assert trace.is_complete == expected.is_complete
    return expected


def _text(row: dict[str, Any]) -> str:
    return repr(sorted(row.items()))
