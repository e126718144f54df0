"""What a trace file holds: for `memlyze info`."""

from __future__ import annotations

import typing

from memlyze.query.session import Trace


class TableSize(typing.NamedTuple):
    """What the file holds of one kind of block."""

    blocks: int
    """How many blocks."""
    rows: int
    """Of `events`: allocations and frees."""
    stored_bytes: int
    """In the file."""
    raw_bytes: int
    """Once decompressed."""


class Inventory(typing.NamedTuple):
    """What a trace file holds."""

    path: str
    file_bytes: int
    """Size of the file."""
    is_complete: bool
    """Whether recording ended in order."""
    is_being_written: bool
    """Whether it goes on."""
    damage: tuple[str, ...]
    tables: dict[str, TableSize]
    """By kind of block."""
    metadata: dict[str, typing.Any]
    """What the trace says about itself, by key."""


def take_inventory(trace: Trace) -> list[Inventory]:
    """Count what each file of `trace` holds, and hold every block against its checksum.

    Nothing is decoded, so that a file of any size takes little more time than reading it.
    """
    return [
        Inventory(
            path=file.path,
            file_bytes=file.file_bytes,
            is_complete=file.is_complete,
            is_being_written=file.is_being_written,
            damage=tuple(file.verify()),
            tables={
                name: TableSize(counts.blocks, counts.rows, counts.stored_bytes, counts.raw_bytes)
                for name, counts in file.block_counts.items()
            },
            metadata=file.metadata,
        )
        for file in trace.files
    ]
