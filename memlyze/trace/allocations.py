"""The `allocations` table: one row an allocation, freed or not."""

from __future__ import annotations

from typing import Any, Mapping, NamedTuple

import numpy as np

from memlyze._speedups import _decoder
from memlyze.trace import format as fmt
from memlyze.trace.damage import counted
from memlyze.trace.placement import Placement
from memlyze.trace.source import BlockSource
from memlyze.trace.stacks import Stacks
from memlyze.trace.tables import metadata_int

_DTYPES: dict[str, Any] = {
    "allocation_id": np.int64,
    "time_ns": np.int64,
    "freed_ns": np.int64,
    "size": np.int32,
    "weight": np.float64,
    "allocator": np.uint8,
    "stack_id": np.int32,
    "thread_id": np.int32,
    "window_id": np.int32,
}
_BELIEVED_EVENTS_PER_BYTE = 64
"""Blocks that claim to hold more are counted before memory is set aside for them."""


class Allocations(NamedTuple):
    """The decoded table, and what became of the frees."""

    columns: dict[str, Any]
    """`weight` is left out where every weight is 1."""
    frees: int
    frees_unmatched: int
    frees_repeated: int


def decode_allocations(
    source: BlockSource,
    samplings: Mapping[str, Any],
    stacks: Stacks,
    metadata: Mapping[str, Any],
    placement: Placement,
) -> Allocations:
    """Decode all `events` blocks. Raises TraceError where there is no room for the columns."""
    is_exact = bool(np.all(samplings["interval_bytes"] == 0))
    names = [name for name in _DTYPES if not (is_exact and name == "weight")]
    row_bytes = sum(np.dtype(_DTYPES[name]).itemsize for name in names)

    capacity = _events_to_expect(source)
    expected_rows = metadata_int(metadata, "allocations_recorded", capacity)
    in_memory = placement.fits_memory(min(max(expected_rows, 0), capacity) * row_bytes)
    if not in_memory:
        # Memory is only used where it is written to, but a file takes its room at once.
        capacity = sum(_count_allocations(data) for _, data in source.each(fmt.EVENTS))
    columns = {
        name: placement.column(
            capacity, _DTYPES[name], in_memory=in_memory, zeros=name == "window_id"
        )
        for name in names
    }

    decoder = _decoder.EventsDecoder(
        *[columns.get(name) for name in _DTYPES],
        samplings=(
            samplings["sampling_id"],
            samplings["interval_bytes"],
            samplings["surcharge_bytes"],
        ),
    )
    for block, data in source.each(fmt.EVENTS):
        try:
            decoder.add(data)
            source.shown(block)
        except _decoder.CorruptBlockError as error:
            source.damage.unreadable(block, str(error))
    decoder.finish()

    columns = {name: column[: decoder.rows] for name, column in columns.items()}
    large_sizes = decoder.large_sizes()
    if large_sizes:
        sizes = placement.column(decoder.rows, np.int64, in_memory=in_memory)
        sizes[:] = columns["size"]
        for row, size in large_sizes:
            sizes[row] = size
        columns["size"] = sizes
    unknown_stacks = stacks.remap(columns["stack_id"])
    _note(source, decoder, unknown_stacks)
    return Allocations(columns, decoder.frees, decoder.frees_unmatched, decoder.frees_repeated)


def _events_to_expect(source: BlockSource) -> int:
    """At least as many rows as the `events` blocks hold, and not many more than they can."""
    events = 0
    for block in source.blocks(fmt.EVENTS):
        if block.row_count <= block.stored_bytes * _BELIEVED_EVENTS_PER_BYTE:
            events += block.row_count
        else:
            data = source.read(block)
            events += _count_allocations(data) if data is not None else 0
    return events


def _count_allocations(data: bytes) -> int:
    """Allocations in an `events` block; 0 where it cannot be read, which decoding it will note."""
    try:
        return _decoder.count_values(data, _ALLOCATOR)
    except _decoder.CorruptBlockError:
        return 0


_ALLOCATOR = next(
    number for number, column in enumerate(fmt.COLUMNS[fmt.EVENTS]) if column.name == "allocator"
)


def _note(source: BlockSource, decoder: Any, unknown_stacks: int) -> None:
    damage = source.damage
    if unknown_stacks:
        damage.note(
            "count stacks",
            f"the call stacks of {counted(unknown_stacks, 'allocation')} cannot be found in the "
            "file; none is shown",
        )
    if decoder.weights_guessed:
        damage.note(
            "count weights",
            f"the sampling of {counted(decoder.weights_guessed, 'allocation')} cannot be found in "
            "the file; the one before is used for their weights",
        )
    # Of a file that was cut off, it goes without saying that some events are missing.
    if decoder.frees_unmatched and (source.layout.is_complete or damage.has_faults):
        damage.note(
            "count frees",
            f"the allocations of {counted(decoder.frees_unmatched, 'free')} cannot be found in the "
            "file; the frees are left out",
        )
    if decoder.frees_repeated:
        damage.note(
            "count repeated frees",
            f"the allocations of {counted(decoder.frees_repeated, 'free')} were freed before; "
            "the frees are left out",
        )
