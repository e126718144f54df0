"""A part of a recording, as if nothing else had been recorded but what was there when it began."""

from __future__ import annotations

import functools
import typing

import numpy as np

from memlyze.query.leaks.clock import Array
from memlyze.query.leaks.curves import Columns

Tables = typing.Callable[[str], Columns]

_LIVE = -1


def tables_of_part(tables: Tables, from_ns: int, to_ns: int) -> Tables:
    """The private tables, by name, of the time from `from_ns` to before `to_ns`."""

    @functools.lru_cache(maxsize=None)
    def part_of(name: str) -> Columns:
        table = tables(name)
        if name == "allocations":
            return _allocations(table, from_ns, to_ns)
        if name == "processes":
            return _processes(table, from_ns, to_ns)
        if name == "windows":
            return _rows(table, (table["start_ns"] >= from_ns) & (table["start_ns"] < to_ns))
        if name == "memory":
            return _rows(table, (table["time_ns"] >= from_ns) & (table["time_ns"] < to_ns))
        return table

    return part_of


def _allocations(table: Columns, from_ns: int, to_ns: int) -> Columns:
    """What was there at `from_ns` or made after it, and is not freed what was freed later."""
    freed_ns = np.where(table["freed_ns"] >= to_ns, _LIVE, table["freed_ns"])
    is_there = (freed_ns == _LIVE) | (freed_ns >= from_ns)
    return _rows({**table, "freed_ns": freed_ns}, is_there & (table["time_ns"] < to_ns))


def _processes(table: Columns, from_ns: int, to_ns: int) -> Columns:
    """The processes that ran meanwhile; the first where none did."""
    starts, ends = table["kept_from_ns"], table["end_ns"]
    columns = {
        **table,
        "kept_from_ns": np.maximum(starts, from_ns),
        "end_ns": np.minimum(ends, to_ns),
    }
    ran = (starts < to_ns) & ((ends < 0) | (ends > from_ns))
    ran[0] |= not ran.any()
    return _rows(columns, ran)


def _rows(table: Columns, chosen: Array) -> Columns:
    return {name: column[chosen] for name, column in table.items()}
