"""Sums over the allocations of a trace that is still being written, brought up to date at the cost
of what is new.

Of an allocation that was recorded, only the time at which it was freed can still change, once. So
what was summed up before holds, but for the allocations that were freed since: these are taken away
as they were, and added as they are.
"""

from __future__ import annotations

import collections
import typing
import weakref

import numpy as np

from memlyze._speedups import _event_sums
from memlyze.query.session import Trace

Array = typing.Any  # a one-dimensional numpy array
Columns = typing.Dict[str, Array]


class Summing(typing.Protocol):
    """Sums up rows of `allocations` whose columns are given, and perhaps the times of the chunks
    that these are.
    """

    def __call__(self, columns: Columns, times: Columns | None = None) -> Columns: ...


# The sums of so many questions are kept, unless one has a row for more moments than these.
_MOST_QUESTIONS = 12
_MOST_ROWS = 1 << 17
# What was not asked for so many steps is summed up anew.
_MOST_STEPS = 64
_KEYS = ("stack_id", "group_id", "classes")


class _Step(typing.NamedTuple):
    """What a step of growth did: rows from `rows_before` on are new, and `freed` are of before."""

    rows_before: int
    freed: Array


class _Known(typing.NamedTuple):
    step: int
    sums: Columns


def growing_sums(trace: Trace) -> GrowingSums | None:
    """Those of a trace that grows; None: nothing is added to it any more, or its rows do not stay
    where they are, as those of several files.
    """
    if not trace.is_being_written or len(trace.files) != 1:
        _by_trace.pop(trace, None)
        return None
    return _by_trace.setdefault(trace, GrowingSums())


class GrowingSums:
    """The sums of the questions that were asked last, for one trace."""

    def __init__(self) -> None:
        self._version: int | None = None
        self._rows = 0
        self._live_rows: Array = np.empty(0, np.int64)
        self._steps: collections.deque[_Step] = collections.deque(maxlen=_MOST_STEPS)
        self._step_count = 0
        self._chunk_times: Columns = {}
        self._known: collections.OrderedDict[typing.Hashable, _Known] = collections.OrderedDict()

    def sums(self, trace: Trace, question: typing.Hashable, summing: Summing) -> Columns:
        """What `summing` gives for all rows of `allocations`, though it is asked only for those
        that are not in what it gave before.

        `question` tells what `summing` asks of a row. The sums stand in no order.
        """
        columns = trace.table("allocations")
        self._step(trace, columns)
        known = self._known.pop(question, None)
        if known is None or self._step_count - known.step > _MOST_STEPS:
            sums = summing(columns, self._times(columns))
        else:
            sums = self._brought_up_to_date(known, columns, summing)
        if len(sums["stack_id"]) <= _MOST_ROWS:
            self._known[question] = _Known(self._step_count, sums)
            while len(self._known) > _MOST_QUESTIONS:
                self._known.popitem(last=False)
        return dict(sums)

    def _times(self, columns: Columns) -> Columns:
        """Of the whole table, as `sum_events` takes them. Chunks of earlier steps are not looked at
        again: of some it is not known that all in them was freed meanwhile.
        """
        known = self._chunk_times
        whole = max(len(known["first_ns"]) - 1, 0) if known else 0  # the last one may have grown
        first = whole * _event_sums.CHUNK_ROWS
        new = _event_sums.chunk_times({name: values[first:] for name, values in columns.items()})
        if known:
            new = {name: np.concatenate([known[name][:whole], new[name]]) for name in new}
        self._chunk_times = new
        return new

    def _step(self, trace: Trace, columns: Columns) -> None:
        """Find what has changed since the last time."""
        version = trace.version("allocations")
        if version == self._version:
            return
        freed_ns, rows_before = columns["freed_ns"], self._rows
        is_freed = freed_ns[self._live_rows] != -1
        if self._version is not None:
            self._steps.append(_Step(rows_before, self._live_rows[is_freed]))
            self._step_count += 1
        new = np.flatnonzero(freed_ns[rows_before:] == -1) + rows_before
        self._live_rows = np.concatenate([self._live_rows[~is_freed], new])
        self._version, self._rows = version, len(freed_ns)

    def _brought_up_to_date(self, known: _Known, columns: Columns, summing: Summing) -> Columns:
        missed = self._step_count - known.step
        if not missed:
            return known.sums
        steps = list(self._steps)[-missed:]
        first = steps[0].rows_before
        freed = np.concatenate([step.freed for step in steps])
        freed = freed[freed < first]  # those made meanwhile are counted as new
        added = [summing({name: column[first:] for name, column in columns.items()})]
        taken = []
        if len(freed):
            here = {name: column[freed] for name, column in columns.items()}
            added.append(summing(here))
            taken.append(summing({**here, "freed_ns": np.full(len(freed), -1, np.int64)}))
        return together([known.sums, *added], taken)


def together(added: typing.Sequence[Columns], taken: typing.Sequence[Columns] = ()) -> Columns:
    """The sums of several parts, less others. What nothing is left of has no row."""
    parts = [*added, *taken]
    keys = [np.concatenate([part[name] for part in parts]) for name in _KEYS]
    order = np.lexsort(keys[::-1])
    keys = [key[order] for key in keys]
    is_first = np.ones(len(order), dtype=bool)
    if len(order):
        is_first[1:] = np.any([np.diff(key) != 0 for key in keys], axis=0)
    firsts = np.flatnonzero(is_first)
    found = {name: key[firsts] for name, key in zip(_KEYS, keys)}
    if not len(order):
        return added[0]
    count_added = sum(len(part["stack_id"]) for part in added)
    for name in added[0]:
        if name in _KEYS:
            continue
        values = np.concatenate([part[name] for part in parts])
        values[count_added:] *= -1
        found[name] = np.add.reduceat(values[order], firsts)
    is_left = found["samples"] > 0
    return {name: np.ascontiguousarray(column[is_left]) for name, column in found.items()}


_by_trace: weakref.WeakKeyDictionary[Trace, GrowingSums] = weakref.WeakKeyDictionary()
