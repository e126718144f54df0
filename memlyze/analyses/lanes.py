"""What happened beside the memory, thinned out for a picture: collector runs, windows, threads."""

from __future__ import annotations

import heapq
import typing

from memlyze.analyses.statements import run_columns, run_statement
from memlyze.query.session import Trace

Array = typing.Any  # a one-dimensional numpy array


class Thread(typing.NamedTuple):
    """A thread, as in the view `threads`."""

    thread_id: int
    process_id: int
    os_thread_id: int
    name: str | None
    start_ns: int
    end_ns: int | None


class Windows(typing.NamedTuple):
    """Windows as columns, in order of their start."""

    total: int
    """How many there are in the range; fewer may be given."""
    columns: dict[str, list[typing.Any]]
    """`window_id`, `parent_id`, `kind`, `name`, `start_ns`, `end_ns`, `thread_id`, `process_id`, as
    in the view, and `row`: that of the picture, from 0, so that none overlaps another.
    """


class Checkpoint(typing.NamedTuple):
    """A heap graph that was taken, as in the view `checkpoints`."""

    time_ns: int
    pause_ns: int
    objects: int
    process_id: int


def checkpoints(
    trace: Trace, *, from_ns: int, to_ns: int, process_id: int | None
) -> list[Checkpoint]:
    """The heap graphs that were taken in a range, in order."""
    chosen = {"from_ns": from_ns, "to_ns": to_ns, "process_id": process_id}
    return [Checkpoint(**row) for row in run_statement(trace, "checkpoints_taken", chosen)]


def threads(trace: Trace) -> list[Thread]:
    """All threads, in the order in which they were met."""
    return [Thread(**row) for row in run_statement(trace, "threads")]


def collector_runs(
    trace: Trace, *, from_ns: int, to_ns: int, process_id: int | None, marks: int
) -> dict[str, Array]:
    """The collector's runs in a range as columns: `time_ns`, `duration_ns`, `generation`,
    `collected`, `count`, `process_id`.

    Where there would be more than `marks`, neighbours are one: `count` tells how many, durations
    and what was collected are summed, and the generation is the greatest.
    """
    return run_columns(
        trace,
        "collector_runs",
        {"from_ns": from_ns, "to_ns": to_ns, "process_id": process_id, "marks": marks},
    )


def windows(
    trace: Trace, *, from_ns: int, to_ns: int, process_id: int | None, marks: int
) -> Windows:
    """The windows that are open at some moment of a range; the `marks` longest, if there are
    more.
    """
    rows = run_statement(
        trace,
        "windows_open",
        {"from_ns": from_ns, "to_ns": to_ns, "process_id": process_id, "marks": marks},
    )
    total = rows[0]["total"] if rows else 0
    names = (
        "window_id",
        "parent_id",
        "kind",
        "name",
        "start_ns",
        "end_ns",
        "thread_id",
        "process_id",
    )
    columns = {name: [row[name] for row in rows] for name in names}
    columns["row"] = _rows(columns["start_ns"], columns["end_ns"])
    return Windows(total, columns)


def _rows(starts: typing.Sequence[int], ends: typing.Sequence[int | None]) -> list[int]:
    """For each interval, in order of their starts, the first row that is free by then."""
    busy: list[tuple[float, int]] = []  # until when, and which row
    free: list[int] = []
    rows = []
    for start, end in zip(starts, ends):
        while busy and busy[0][0] <= start:
            heapq.heappush(free, heapq.heappop(busy)[1])
        row = heapq.heappop(free) if free else len(busy)
        rows.append(row)
        heapq.heappush(busy, (float("inf") if end is None else max(end, start + 1), row))
    return rows
