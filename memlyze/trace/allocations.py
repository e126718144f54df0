"""The `allocations` table: one row an allocation, freed or not."""

from __future__ import annotations

import contextlib
from typing import Any, Mapping, NamedTuple

import numpy as np

from memlyze._speedups import _decoder
from memlyze.errors import TraceError
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


#: What a row of all columns takes.
MOST_ROW_BYTES: int = sum(np.dtype(dtype).itemsize for dtype in _DTYPES.values())

# Of a trace that grows, how many times as many rows there is room for, and how many more.
_ROOM = 8
_LEAST_ROOM = 1 << 20


class Allocations(NamedTuple):
    """The decoded table, and what became of the frees."""

    columns: dict[str, Any]
    """`weight` is left out where every weight is 1, and `made_between` where nobody asks for it."""
    frees: int
    frees_unmatched: int
    frees_repeated: int


class AllocationDecoding:
    """The decoding of all `events` and `carried` blocks of a trace, which goes on where it ended
    when the trace has grown.
    """

    def __init__(
        self,
        source: BlockSource,
        samplings: Mapping[str, Any],
        stacks: Stacks,
        placement: Placement,
        *,
        is_counting: bool = False,
        is_growing: bool = False,
    ) -> None:
        """`is_counting`: also fill `made_between`, how many allocations the thread that made one
        made until it freed it; −1 where it did not. An estimate where not all were recorded.

        `is_growing`: have room for more than there is now. Raises TraceError where there is no room
        for the columns.
        """
        self._source, self._stacks, self._placement = source, stacks, placement
        is_exact = bool(np.all(samplings["interval_bytes"] == 0))
        left_out = {"weight": is_exact, "made_between": not is_counting}
        self._dtypes = {name: dtype for name, dtype in _DTYPES.items() if not left_out.get(name)}
        self._row_bytes = sum(np.dtype(dtype).itemsize for dtype in self._dtypes.values())
        self._columns, self._in_memory = self._reserve(is_growing=is_growing)
        self._decoder = _decoder.EventsDecoder(
            *self._in_order(self._columns),
            samplings=(
                samplings["sampling_id"],
                samplings["interval_bytes"],
                samplings["surcharge_bytes"],
            ),
        )
        self._read = {fmt.EVENTS: 0, fmt.CARRIED: 0}
        self._unknown_stacks = 0
        self._is_first = True

    def decode(self, blocks_left_out: int) -> Allocations:
        """Decode the blocks that were not decoded yet.

        The arrays that were given before get the frees that are new, and stay in place.

        `blocks_left_out`: so many allocations are known to be missing, with their frees. Raises
        TraceError where there is no room for the columns.
        """
        decoder, rows_before = self._decoder, self._decoder.rows
        self._make_room()
        for block_type, add in ((fmt.EVENTS, decoder.add), (fmt.CARRIED, decoder.add_carried)):
            self._read[block_type] = self._source.feed(block_type, add, self._read[block_type])
        decoder.finish()
        columns = {name: column[: decoder.rows] for name, column in self._columns.items()}
        self._unknown_stacks += self._stacks.remap(columns["stack_id"][rows_before:])
        columns["size"] = self._sizes(columns["size"])
        _note(self._source, decoder, self._unknown_stacks, blocks_left_out)
        return Allocations(columns, decoder.frees, decoder.frees_unmatched, decoder.frees_repeated)

    def _sizes(self, sizes: Any) -> Any:
        """The column of sizes; a wider copy where 31 bits do not hold all of them."""
        large_sizes = self._decoder.large_sizes()
        if not large_sizes:
            return sizes
        wide = self._placement.column(len(sizes), np.int64, in_memory=self._in_memory)
        wide[:] = sizes
        for row, size in large_sizes:
            wide[row] = size
        return wide

    def _reserve(self, *, is_growing: bool) -> tuple[dict[str, Any], bool]:
        """Columns with at least as many rows as there are allocations, and whether in memory.

        At first for as many as the headers announce events: memory that is not written to is not
        used. Where that is more than is to be had, because frees are events too or because a file
        claims what it does not hold, the allocations are counted, for the price of decompressing
        the events twice.
        """
        source, placement = self._source, self._placement
        carried = source.rows(fmt.CARRIED)
        announced = source.rows(fmt.EVENTS) + carried
        if placement.fits_memory(announced * self._row_bytes):
            if is_growing:
                announced = self._with_room(announced)
            with contextlib.suppress(MemoryError):
                return _columns(announced, self._dtypes), True
        rows = carried + sum(_count_allocations(data) for _, data in source.each(fmt.EVENTS))
        in_memory = placement.fits_memory(rows * self._row_bytes)
        columns = {
            name: placement.column(rows, dtype, in_memory=in_memory)
            for name, dtype in self._dtypes.items()
        }
        columns["window_id"][:] = 0
        return columns, in_memory

    def _with_room(self, rows: int) -> int:
        """A number of rows to reserve where more than `rows` will come: what is not written to
        takes no memory, and moving what is there takes time.
        """
        wanted = _ROOM * rows + _LEAST_ROOM
        return wanted if self._placement.fits_memory(wanted * self._row_bytes) else rows

    def _make_room(self) -> None:
        """Move to greater columns where those there are may not hold what is to be decoded."""
        to_come = sum(
            block.row_count
            for block_type, read in self._read.items()
            for block in self._source.blocks(block_type)[read:]
        )
        rows, is_first = self._decoder.rows, self._is_first
        self._is_first = False
        if is_first or rows + to_come <= len(self._columns["time_ns"]):
            return
        if not self._placement.fits_memory((rows + to_come) * self._row_bytes):
            raise TraceError(
                "there is no memory for what was written to the trace since it was opened"
            )
        moved = _columns(self._with_room(rows + to_come), self._dtypes)
        for name, column in moved.items():
            column[:rows] = self._columns[name][:rows]
        self._columns = moved
        self._decoder.move_to(*self._in_order(moved))

    @staticmethod
    def _in_order(columns: Mapping[str, Any]) -> list[Any]:
        return [columns.get(name) for name in _DTYPES]


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
