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
from memlyze.analyses.remembered import recalled, remembered
from memlyze.analyses.selection import END_NS, Chosen
from memlyze.query.halves import in_halves
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
_CLASSES = (LIVE, HELD, TEMPORARY, MAPPED)

_KIND = "event sums"  # among what is remembered

_CHUNK_ROWS = _event_sums.CHUNK_ROWS
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

    def sums() -> Columns:
        for (earlier, *of_which), known in recalled(trace, _KIND, of="allocations"):
            classes = question.classes_in(earlier)
            if of_which == [asked, stack_ids] and classes is not None:
                return _folded(known, classes, question)
        return _sum_up(trace, chosen, question)

    return remembered(trace, _KIND, sums, (question, asked, stack_ids), of="allocations")


class _Question(typing.NamedTuple):
    """What `event_sums` is asked beside what is chosen."""

    group: str | None
    moment_ns: int
    temporary_ns: int
    temporary_allocations: int | None
    told_apart: int
    wanted: int
    by_stack: bool

    @property
    def temporary(self) -> tuple[int, int | None]:
        """What is temporary."""
        return self.temporary_ns, self.temporary_allocations

    def classes_in(self, earlier: _Question) -> dict[int, int] | None:
        """By each class that this asks for, the one that says the same in the sums of an earlier
        question, which are told apart by it; None: these do not tell what this asks.
        """
        if (earlier.group, earlier.by_stack, earlier.wanted) != (self.group, self.by_stack, 0):
            return None
        said = {name: name for name in (LIVE, MAPPED)}
        if earlier.moment_ns == self.moment_ns:
            said[HELD] = HELD
        if self.moment_ns == END_NS and (HELD not in said or not earlier.told_apart & HELD):
            said[HELD] = LIVE
        if earlier.temporary == self.temporary:
            said[TEMPORARY] = TEMPORARY
        asked = [name for name in _CLASSES if (self.told_apart | self.wanted) & name]
        if all(earlier.told_apart & said.get(name, 0) for name in asked):
            return {name: said[name] for name in asked}
        return None


def _folded(sums: Columns, classes: typing.Mapping[int, int], question: _Question) -> Columns:
    """The answer to a question, from sums in which its `classes` are told apart as these say."""
    wanted = sum(said for name, said in classes.items() if question.wanted & name)
    is_wanted = sums["classes"] & wanted == wanted
    chosen = {name: column[is_wanted] for name, column in sums.items()}
    told = np.zeros(len(chosen["classes"]), sums["classes"].dtype)
    for name, said in classes.items():
        if question.told_apart & name:
            told[chosen["classes"] & said != 0] |= name
    return together([{**chosen, "classes": told}])


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

        parts = in_halves(sum_rows, len(columns["time_ns"]), unit=_CHUNK_ROWS)
        return parts[0] if len(parts) == 1 else together(parts)

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
