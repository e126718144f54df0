"""What each call stack allocated, held and soon freed: the figures of profiles that other tools
read.
"""

from __future__ import annotations

import typing

import numpy as np

from memlyze.analyses.hotspots import TEMPORARY_NS
from memlyze.analyses.live_series import live_series
from memlyze.analyses.selection import END_NS, EVERYTHING, Selection, choose
from memlyze.analyses.statements import run_columns
from memlyze.query.session import Trace

Array = typing.Any  # a one-dimensional numpy array

ALLOCATED, LIVE, PEAK, TEMPORARY = "allocated", "live", "peak", "temporary"
#: What can be asked for of the chosen allocations.
WHATS = (ALLOCATED, LIVE, PEAK, TEMPORARY)


class StackTotals(typing.NamedTuple):
    """Arrays of one length: a row for each stack, thread and process. Figures are estimates where
    the trace is sampled.
    """

    stack_id: Array
    """0: no stack was known."""
    thread_id: Array
    process_id: Array
    allocated_bytes: Array
    allocations: Array
    held_bytes: Array
    """Live at the moment that was asked for."""
    held: Array
    temporary_bytes: Array
    """Freed within the time that was asked for."""
    temporary: Array

    def figures(self, what: str) -> tuple[Array, Array]:
        """Bytes and numbers of allocations of what is asked for."""
        return {
            ALLOCATED: (self.allocated_bytes, self.allocations),
            LIVE: (self.held_bytes, self.held),
            PEAK: (self.held_bytes, self.held),
            TEMPORARY: (self.temporary_bytes, self.temporary),
        }[what]


def stack_totals(
    trace: Trace,
    *,
    selection: Selection = EVERYTHING,
    live_at_ns: int = END_NS,
    within_ns: int = TEMPORARY_NS,
) -> StackTotals:
    """Sum up the chosen allocations by stack, thread and process. Raises SelectionError."""
    chosen = choose(trace, selection)
    parameters = {**chosen.parameters, "live_at_ns": live_at_ns, "within_ns": within_ns}
    columns = run_columns(trace, "stack_totals", parameters)
    totals = StackTotals(**{name: columns[name] for name in StackTotals._fields})
    if chosen.stack_ids is None:
        return totals
    is_wanted = np.isin(totals.stack_id, np.array(chosen.stack_ids, dtype=np.int64))
    return StackTotals(*(column[is_wanted] for column in totals))


def held_moment(trace: Trace, what: str, selection: Selection) -> int:
    """When that which is asked for was live: of `peak`, when most of the selection was live within
    its time range, else at the end of that.
    """
    if what == PEAK:
        series = live_series(trace, selection._replace(from_ns=0))
        moment = series.greatest_between(selection.from_ns, selection.to_ns)
        if moment is not None:
            return moment
    return selection.to_ns
