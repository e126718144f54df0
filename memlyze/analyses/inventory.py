"""What a trace file holds: for `memlyze info`."""

from __future__ import annotations

import os
import typing

from memlyze.query.session import Trace


class TableSize(typing.NamedTuple):
    """What the file holds of one kind of block."""

    blocks: int
    rows: int
    """Of `events`: allocations and frees."""
    stored_bytes: int
    raw_bytes: int
    """Once decompressed."""


class Inventory(typing.NamedTuple):
    """What a trace file holds."""

    path: str
    file_bytes: int
    is_complete: bool
    damage: tuple[str, ...]
    tables: dict[str, TableSize]
    metadata: dict[str, typing.Any]


def take_inventory(trace: Trace) -> Inventory:
    """Count what the one file of `trace` holds, and hold every block against its checksum.

    Nothing is decoded, so that a file of any size takes little more time than reading it.
    """
    damage = tuple(trace.verify())
    return Inventory(
        path=trace.paths[0],
        file_bytes=os.path.getsize(trace.paths[0]),
        is_complete=trace.is_complete,
        damage=damage,
        tables={
            name: TableSize(counts.blocks, counts.rows, counts.stored_bytes, counts.raw_bytes)
            for name, counts in trace.block_counts.items()
        },
        metadata=trace.metadata,
    )
