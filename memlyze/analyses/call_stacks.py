"""The call stacks of a trace spelled out, for analyses that would ask little of DuckDB."""

from __future__ import annotations

import typing

import numpy as np

from memlyze.query.session import Trace
from memlyze.query.stack_sites import rows_of

Array = typing.Any  # a one-dimensional numpy array


class Frame(typing.NamedTuple):
    """A position in a call stack."""

    function: str
    file: str
    line: int
    origin: str


def frames_of_stacks(
    trace: Trace, stack_ids: typing.Collection[int]
) -> dict[int, tuple[Frame, ...]]:
    """The frames of each of these stacks, innermost first; of those that are not known, none."""
    stacks, frames = trace.table("stacks"), trace.table("frames")
    ids = np.fromiter(set(stack_ids), np.int64)
    at = rows_of(ids, stacks["stack_id"])
    found: dict[int, list[Frame]] = {}
    while (at >= 0).any():
        ids, at = ids[at >= 0], at[at >= 0]
        rows = rows_of(stacks["frame_id"][at], frames["frame_id"])
        for stack_id, row in zip(ids.tolist(), rows.tolist()):
            found.setdefault(stack_id, []).extend([_frame(frames, row)] if row >= 0 else [])
        at = rows_of(stacks["parent_id"][at], stacks["stack_id"])
    return {stack_id: tuple(of_stack) for stack_id, of_stack in found.items()}


def _frame(frames: typing.Mapping[str, typing.Any], row: int) -> Frame:
    function, file, line, origin = (frames[name][row] for name in Frame._fields)
    return Frame(function, file, int(line), origin)


def stacks_at(
    trace: Trace, places: typing.Collection[tuple[str, str, int]], *, by_line: bool
) -> dict[tuple[str, str, int], list[int]]:
    """The call stacks that count for each of these places of the program: function, file and line,
    which is 0 where lines are not told apart.
    """
    sites, frames = trace.made_table("stack_sites"), trace.table("frames")
    number = {place: number for number, place in enumerate(dict.fromkeys(places))}
    lines = frames["line"].tolist() if by_line else [0] * len(frames["line"])
    of_frame = [number.get(key, -1) for key in zip(frames["function"], frames["file"], lines)]
    # The last is that of stacks of which no frame is known.
    of_row = np.array([*of_frame, -1])
    of_stack = of_row[rows_of(sites["program_frame_id"], frames["frame_id"])]
    return {
        place: np.sort(sites["stack_id"][of_stack == wanted]).tolist()
        for place, wanted in number.items()
    }


def rows_live_at(trace: Trace, stack_ids: typing.Collection[int], moment_ns: int) -> Array:
    """Rows of `allocations` that these call stacks made and that were live at a moment."""
    allocations = trace.table("allocations")
    freed = allocations["freed_ns"].view(np.uint64)  # −1, never, is the greatest
    rows = np.flatnonzero(freed > moment_ns)
    rows = rows[allocations["time_ns"][rows] <= moment_ns]
    return rows[np.isin(allocations["stack_id"][rows], np.fromiter(stack_ids, np.int64))]
