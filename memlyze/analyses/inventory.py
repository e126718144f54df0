"""What a trace file holds: for `memlyze info`."""

from __future__ import annotations

import os
import typing

from memlyze.query.session import Trace


class Inventory(typing.NamedTuple):
    """What the files of an opened trace hold."""

    paths: tuple[str, ...]
    file_bytes: tuple[int, ...]
    is_complete: bool
    damage: tuple[str, ...]
    rows: dict[str, int]
    """Rows of each recorded table."""
    metadata: dict[str, typing.Any]
    """By key; of several files, of the first."""


def take_inventory(trace: Trace) -> Inventory:
    """Count everything that the trace holds. Decodes all of it: what cannot be read is found."""
    rows = {
        name: len(next(iter(columns.values()), ()))
        for name, columns in trace.tables.items()
        if name not in ("metadata", "processes")
    }
    return Inventory(
        paths=trace.paths,
        file_bytes=tuple(os.path.getsize(path) for path in trace.paths),
        is_complete=trace.is_complete,
        damage=tuple(trace.damage),
        rows=rows,
        metadata=trace.metadata,
    )
