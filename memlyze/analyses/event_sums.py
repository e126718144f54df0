"""What each call stack has of the chosen allocations, in one pass over the recorded columns.

SQL over the view `allocations` gives the same; this is for what a person waits for with every
movement of the hand. The sums are few where allocations are many.
"""

from __future__ import annotations

import typing

import numpy as np

from memlyze._speedups import _event_sums
from memlyze.analyses.ended_processes import ended_processes
from memlyze.analyses.growing_sums import growing_sums, together
from memlyze.analyses.remembered import remembered
from memlyze.analyses.selection import END_NS, Chosen
from memlyze.query.session import Trace

Array = typing.Any  # a one-dimensional numpy array
Columns = typing.Dict[str, Array]

#: Never freed.
LIVE = 1
#: Live at the moment that is asked about, in a process that had not ended.
HELD = 2
#: Freed soon.
TEMPORARY = 4
#: Mapped memory (`mmap`): addresses, of which only what was written to is resident.
MAPPED = 8

_CHUNK_ROWS = _event_sums.CHUNK_ROWS
_MANY_ROWS = 1 << 21
_GROUP_COLUMNS = {
    "thread": "thread_id",
    "process": "process_id",
    "window": "window_id",
    "birth": "time_ns",
    "free": "freed_ns",
}


def event_sums(
    trace: Trace,
    chosen: Chosen,
    *,
    group: str | None = None,
    moment_ns: int = END_NS,
    temporary_ns: int = 0,
    temporary_allocations: int | None = None,
    told_apart: int = 0,
    wanted: int = 0,
    by_stack: bool = True,
) -> Columns:
    """The sums of the allocations that are of all `wanted` classes, by stack.

    What is `HELD` at `moment_ns` (`END_NS`: when its process ended), or freed within `temporary_ns`
    (or, if given, before its thread made `temporary_allocations` others) and so `TEMPORARY`, has a
    row of its own where `told_apart` says so; and where `group` is
    `thread`, `process` or `window` so has each of these, and with `birth` or `free` each time of
    it (−1: never). Without `by_stack` all chosen stacks are summed up together, as 0, unless only
    some are chosen. The columns are `stack_id` (0: none is
    known), `group_id`, `classes` (of those told apart), `samples`, `bytes`, `variance`,
    `allocations`, `allocations_variance` and `lifetimes_ns`, the sum over those that were freed.
    Rows stand in the order of their ids.

    The last answers are remembered, as several analyses ask the same of one trace: change none. Of
    a trace that grows, only what is new is summed up.
    """
    question = _Question(
        group, moment_ns, temporary_ns, temporary_allocations, told_apart, wanted, by_stack
    )
    asked = tuple(
        (name, tuple(value) if isinstance(value, list) else value)
        for name, value in sorted(chosen.parameters.items())
    )
    stack_ids = None if chosen.stack_ids is None else tuple(chosen.stack_ids)
    return remembered(
        trace,
        "event sums",
        lambda: _sum_up(trace, chosen, question),
        (question, asked, stack_ids),
        of="allocations",
    )


class _Question(typing.NamedTuple):
    """What `event_sums` is asked beside what is chosen."""

    group: str | None
    moment_ns: int
    temporary_ns: int
    temporary_allocations: int | None
    told_apart: int
    wanted: int
    by_stack: bool


def event_sums_by(trace: Trace, chosen: Chosen, groups: Array) -> Columns:
    """The sums of the chosen allocations by the number that `groups` has for each recorded one:
    columns as those of `event_sums`. Nothing is remembered; a number may have several rows.
    """
    columns = trace.table("allocations")
    question = _Question(None, END_NS, 0, None, 0, 0, by_stack=False)
    sums: Columns = _event_sums.sum_events(
        columns, _chunk_times(trace), groups=groups, **_asked(columns, chosen, question)
    )
    return _of_stacks(sums, chosen)


def gone_times(trace: Trace) -> Array:
    """When each recorded allocation was freed, or went with its process while others went on;
    `END_NS`: neither.
    """
    columns = trace.table("allocations")
    gone_ns = np.where(columns["freed_ns"] < 0, END_NS, columns["freed_ns"])
    for process_id, end_ns in ended_processes(trace).items():
        went = (gone_ns == END_NS) & (columns["process_id"] == process_id)
        gone_ns[went] = np.maximum(end_ns + 1, columns["time_ns"][went])
    return gone_ns


def _chunk_times(trace: Trace) -> Columns:
    columns = trace.table("allocations")
    return remembered(
        trace, "chunk times", lambda: _event_sums.chunk_times(columns), of="allocations"
    )


def _asked(columns: Columns, chosen: Chosen, question: _Question) -> dict[str, typing.Any]:
    """The parameters of `sum_events`."""
    parameters = chosen.parameters
    return {
        "from_ns": parameters["from_ns"],
        "to_ns": parameters["to_ns"],
        "moment_ns": question.moment_ns,
        "temporary_ns": question.temporary_ns,
        "temporary_allocations": question.temporary_allocations or 0,
        "told_apart": question.told_apart,
        "wanted": question.wanted,
        "by_stack": question.by_stack or chosen.stack_ids is not None,
        "process_ids": _in_order(_of_recorded(columns, parameters["process_ids"])),
        "thread_ids": _in_order(parameters["thread_ids"]),
        "window_ids": _in_order(parameters["window_ids"]),
    }


def _of_stacks(sums: Columns, chosen: Chosen) -> Columns:
    """What of sums by stack is of the chosen stacks."""
    if chosen.stack_ids is None:
        return sums
    is_wanted = np.isin(sums["stack_id"], np.array(chosen.stack_ids, dtype=np.int64))
    return {name: column[is_wanted] for name, column in sums.items()}


def _sum_up(trace: Trace, chosen: Chosen, question: _Question) -> Columns:
    columns = trace.table("allocations")
    group, moment_ns = question.group, question.moment_ns
    asked = _asked(columns, chosen, question)
    counts_allocations = question.temporary_allocations is not None
    growing = None if counts_allocations else growing_sums(trace)

    made_between = trace.table("frees")["made_between"] if counts_allocations else None
    ended_ids = _in_order(_ended_before(trace, moment_ns))

    def summing(columns: Columns, times: Columns | None = None) -> Columns:
        of_all = _event_sums.chunk_times(columns) if times is None else times

        def sum_rows(rows: slice) -> Columns:
            here = {name: column[rows] for name, column in columns.items()}
            chunks = slice(rows.start // _CHUNK_ROWS, -(-rows.stop // _CHUNK_ROWS))
            sums: Columns = _event_sums.sum_events(
                here,
                {name: values[chunks] for name, values in of_all.items()},
                made_between=None if made_between is None else made_between[rows],
                groups=here.get(_GROUP_COLUMNS[group]) if group else None,
                ended_ids=ended_ids,
                **asked,
            )
            del sums["largest"]  # cannot be told without what was taken away
            return sums

        return _in_halves(sum_rows, len(columns["time_ns"]))

    if growing is None:
        sums = summing(columns, _chunk_times(trace))
    else:
        key = (group, *((name, _hashable(value)) for name, value in asked.items()))
        sums = growing.sums(trace, key, summing)
    if group == "process" and "process_id" not in columns:
        sums["group_id"][:] = trace.process_ids[0]
    sums = _of_stacks(sums, chosen)
    order = np.lexsort((sums["classes"], sums["group_id"], sums["stack_id"]))
    return {name: column[order] for name, column in sums.items()}


def _in_halves(sum_rows: typing.Callable[[slice], Columns], count: int) -> Columns:
    """The sums over so many rows; of many, each half on a processor of its own."""
    if count < _MANY_ROWS:
        return sum_rows(slice(0, count))
    from concurrent import futures

    half = count // 2 // _CHUNK_ROWS * _CHUNK_ROWS
    with futures.ThreadPoolExecutor(1) as beside:
        second = beside.submit(sum_rows, slice(half, count))
        return together([sum_rows(slice(0, half)), second.result()])


def _hashable(value: typing.Any) -> typing.Hashable:
    return value.tobytes() if isinstance(value, np.ndarray) else value


def _of_recorded(columns: Columns, process_ids: list[int] | None) -> list[int] | None:
    """A trace of one process has no column for it, and only that one can be chosen."""
    return process_ids if "process_id" in columns else None


def _in_order(ids: list[int] | None) -> Array | None:
    return None if ids is None else np.unique(np.array(ids, dtype=np.int64))


def _ended_before(trace: Trace, moment_ns: int) -> list[int] | None:
    """The processes in which nothing is live any more, though others go on."""
    if moment_ns == END_NS:  # what is live at the end is so at the end of each process
        return None
    ends = ended_processes(trace)
    return [process_id for process_id, end_ns in ends.items() if end_ns < moment_ns] or None
