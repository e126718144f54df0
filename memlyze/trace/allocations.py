"""The `allocations` table: one row an allocation, freed or not."""

from __future__ import annotations

import contextlib
from typing import Any, Mapping, NamedTuple

import numpy as np

from memlyze._speedups import _decoder
from memlyze.trace import format as fmt
from memlyze.trace.damage import counted
from memlyze.trace.placement import Placement
from memlyze.trace.source import BlockSource
from memlyze.trace.stacks import Stacks

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
    "made_between": np.float64,
}


class Allocations(NamedTuple):
    """The decoded table, and what became of the frees."""

    columns: dict[str, Any]
    """`weight` is left out where every weight is 1, and `made_between` where nobody asks for it."""
    frees: int
    frees_unmatched: int
    frees_repeated: int


def decode_allocations(
    source: BlockSource,
    samplings: Mapping[str, Any],
    stacks: Stacks,
    placement: Placement,
    blocks_left_out: int,
    *,
    is_counting: bool = False,
) -> Allocations:
    """Decode all `events` and `carried` blocks.

    `is_counting`: also fill `made_between`, how many allocations the thread that made one made
    until it freed it; −1 where it did not. An estimate where not all were recorded.

    `blocks_left_out`: so many allocations are known to be missing, with their frees. Raises
    TraceError where there is no room for the columns.
    """
    is_exact = bool(np.all(samplings["interval_bytes"] == 0))
    left_out = {"weight": is_exact, "made_between": not is_counting}
    names = [name for name in _DTYPES if not left_out.get(name)]
    columns, in_memory = _reserve(source, {name: _DTYPES[name] for name in names}, placement)
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
    for block, data in source.each(fmt.CARRIED):
        try:
            decoder.add_carried(data)
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
    _note(source, decoder, unknown_stacks, blocks_left_out)
    return Allocations(columns, decoder.frees, decoder.frees_unmatched, decoder.frees_repeated)


def _reserve(
    source: BlockSource, dtypes: dict[str, Any], placement: Placement
) -> tuple[dict[str, Any], bool]:
    """Columns with at least as many rows as there are allocations, and whether in memory.

    At first for as many as the headers announce events: memory that is not written to is not used.
    Where that is more than is to be had, because frees are events too or because a file claims what
    it does not hold, the allocations are counted, for the price of decompressing the events twice.
    """
    row_bytes = sum(np.dtype(dtype).itemsize for dtype in dtypes.values())
    carried = source.rows(fmt.CARRIED)
    announced = source.rows(fmt.EVENTS) + carried
    if placement.fits_memory(announced * row_bytes):
        with contextlib.suppress(MemoryError):
            return _columns(announced, dtypes), True
    rows = carried + sum(_count_allocations(data) for _, data in source.each(fmt.EVENTS))
    in_memory = placement.fits_memory(rows * row_bytes)
    columns = {
        name: placement.column(rows, dtype, in_memory=in_memory) for name, dtype in dtypes.items()
    }
    columns["window_id"][:] = 0
    return columns, in_memory


def _columns(rows: int, dtypes: dict[str, Any]) -> dict[str, Any]:
    # Zeros that are never written to, of windows that were never opened, take no memory either.
    return {
        name: np.zeros(rows, dtype) if name == "window_id" else np.empty(rows, dtype)
        for name, dtype in dtypes.items()
    }


def _count_allocations(data: bytes) -> int:
    """Allocations in an `events` block; 0 where it cannot be read, which decoding it will note."""
    try:
        return _decoder.count_values(data, _ALLOCATOR)
    except _decoder.CorruptBlockError:
        return 0


_ALLOCATOR = next(
    number for number, column in enumerate(fmt.COLUMNS[fmt.EVENTS]) if column.name == "allocator"
)


def _note(source: BlockSource, decoder: Any, unknown_stacks: int, blocks_left_out: int) -> None:
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
    is_explained = decoder.frees_unmatched <= blocks_left_out
    if not is_explained and (source.layout.is_complete or damage.has_faults):
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
