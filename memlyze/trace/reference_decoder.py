"""The format in plain Python: an executable reading of `docs/format-spec.md`.

Written to be read, and held against the fast decoder by the test suite; nothing but the tests uses
it. It needs neither numpy nor the compiled modules, except to decompress blocks where neither the
standard library (3.14 on) nor the `zstandard` package can.

    trace = decode(pathlib.Path("trace.mlyze").read_bytes())
    trace.tables["allocations"]     # a list of dicts
"""

from __future__ import annotations

from typing import Any, NamedTuple

from memlyze.trace import format as fmt
from memlyze.trace.reference_file import (
    NotATraceError,
    RawBlock,
    decompress,
    find_blocks,
    has_trailer,
    read_file_header,
)
from memlyze.trace.reference_tables import make_tables
from memlyze.trace.reference_values import CorruptError, read_values
from memlyze.trace.text import decode_text, parse_json

__all__ = ["NotATraceError", "ReferenceTrace", "decode"]


class ReferenceTrace(NamedTuple):
    """A decoded file."""

    metadata: dict[str, Any]
    tables: dict[str, list[dict[str, Any]]]
    is_complete: bool
    corrupt_offsets: list[int]
    """Where the blocks are that could not be decoded."""


def decode(data: bytes) -> ReferenceTrace:
    """Decode a whole file. Raises NotATraceError; a corrupt block is left out."""
    metadata, start = read_file_header(data)
    is_complete = has_trailer(data)
    end = len(data) - fmt.TRAILER.size if is_complete else len(data)
    rows: dict[int, list[dict[str, Any]]] = {number: [] for number in fmt.COLUMNS}
    corrupt_offsets = []
    given_ids: set[int] = set()
    for block in find_blocks(data, start, end):
        if block.block_type not in fmt.COLUMNS:
            continue
        try:
            raw = decompress(block)
            columns = read_columns(block, raw)
            if block.block_type == fmt.EVENTS:
                events = read_events(block.row_count, columns, given_ids)
                rows[fmt.EVENTS] += [dict(event, block=block.offset) for event in events]
            else:
                rows[block.block_type] += read_rows(block.block_type, block.row_count, columns)
        except CorruptError:
            corrupt_offsets.append(block.offset)
    for row in rows[fmt.CARRIED]:
        # Unless it is in the events: then this is the same allocation once more.
        if row["allocation_id"] not in given_ids:
            given_ids.add(row["allocation_id"])
            allocation = dict(row, time_ns=max(row["time_ns"], 0), freed_ns=-1, block=0)
            rows[fmt.EVENTS].append(allocation)
    for row in rows[fmt.METADATA]:
        text = decode_text(row["value"])
        try:
            metadata[decode_text(row["key"])] = parse_json(text)
        except ValueError:
            metadata[decode_text(row["key"])] = text
    return ReferenceTrace(metadata, make_tables(rows, metadata), is_complete, corrupt_offsets)


def read_columns(block: RawBlock, raw: bytes) -> dict[int, tuple[int, bytes]]:
    """Encoding and bytes of each column that the block's type knows."""
    columns: dict[int, tuple[int, bytes]] = {}
    at = block.column_count * fmt.COLUMN_ENTRY.size
    if at > len(raw):
        raise CorruptError("the directory does not fit")
    for k in range(block.column_count):
        number, encoding, size = fmt.COLUMN_ENTRY.unpack_from(raw, k * fmt.COLUMN_ENTRY.size)
        if at + size > len(raw):
            raise CorruptError(f"column {number} does not fit")
        if number < len(fmt.COLUMNS[block.block_type]):
            if number in columns:
                raise CorruptError(f"column {number} is repeated")
            columns[number] = encoding, raw[at : at + size]
        at += size
    if at != len(raw):
        raise CorruptError("bytes are left over")
    for number, column in enumerate(fmt.COLUMNS[block.block_type]):
        if number not in columns and column.absent is None:
            raise CorruptError(f"column {number} is missing")
    return columns


def read_rows(
    block_type: int, row_count: int, columns: dict[int, tuple[int, bytes]]
) -> list[dict[str, Any]]:
    """The rows of a block of any type but `events`."""
    schema = fmt.COLUMNS[block_type]
    values = [
        read_values(column, *columns[number], count=row_count)
        if number in columns
        else [column.absent] * row_count
        for number, column in enumerate(schema)
    ]
    return [
        {column.name: values[number][row] for number, column in enumerate(schema)}
        for row in range(row_count)
    ]


def read_events(
    event_count: int, columns: dict[int, tuple[int, bytes]], given_ids: set[int]
) -> list[dict[str, Any]]:
    """The events of a block, each with what its run says.

    An allocation has the keys of the `allocations` table; a free has `free_of`, the id it frees,
    and not `allocation_id`.
    """
    values = {
        column.name: read_values(column, *columns[number])
        for number, column in enumerate(fmt.COLUMNS[fmt.EVENTS])
    }
    runs = ("thread_id", "time_ns", "window_id", "sampling_id", "first_allocation_id")
    if any(len(values[name]) != len(values["event_count"]) for name in runs):
        raise CorruptError("the run columns differ in length")
    if not sum(values["event_count"]) == len(values["size_code"]) == event_count:
        raise CorruptError("the runs do not add up to the events")
    allocators, stacks, frees = (iter(values[n]) for n in ("allocator", "stack_id", "freed"))
    size_codes = iter(values["size_code"])
    new_ids: set[int] = set()
    events: list[dict[str, Any]] = []
    try:
        for place, count in enumerate(values["event_count"]):
            run = {name: values[name][place] for name in runs}
            run["time_ns"] = max(run["time_ns"], 0)
            next_id = run.pop("first_allocation_id")
            if next_id + count > fmt.INT64_MAX:
                raise CorruptError("ids go beyond 63 bits")
            for _ in range(count):
                code = next(size_codes)
                if code == 0:
                    freed = (next_id - next(frees)) % (1 << 64)
                    events.append({"free_of": freed, **run})
                    continue
                if next_id in new_ids or next_id in given_ids:
                    raise CorruptError(f"allocation {next_id} was there before")
                new_ids.add(next_id)
                event = dict(run, allocation_id=next_id, freed_ns=-1, size=code - 1)
                event.update(allocator=next(allocators), stack_id=next(stacks))
                events.append(event)
                next_id += 1
    except StopIteration:
        raise CorruptError("a column is too short for the events") from None
    if any(True for rest in (allocators, stacks, frees) for _ in rest):
        raise CorruptError("a column is too long for the events")
    given_ids |= new_ids
    return events
