"""What each call stack has of the chosen allocations."""

from __future__ import annotations

import typing

import numpy as np

from memlyze.analyses.event_sums import HELD, TEMPORARY, event_sums
from memlyze.analyses.selection import END_NS, Chosen
from memlyze.query.session import Trace

#: The figures of a stack, in the order of `StackSums.values`.
COLUMNS = ("bytes", "variance", "allocations", "allocations_variance", "samples")


class Measure(typing.NamedTuple):
    """Which of the chosen allocations are counted: all that were made, unless one of these says
    otherwise.
    """

    live_at_ns: int | None = None
    """Only what was live at this time; `selection.END_NS`: what was never freed. Together with a
    selection of a time range, what was born in it and was still alive then.
    """
    within_ns: int | None = None
    """Only what was freed within this time: temporary allocations."""


#: All that was made.
ALLOCATED = Measure()


class StackSums(typing.NamedTuple):
    """Stacks (of a thread or process, where these are told apart) and their figures."""

    stack_ids: typing.Any
    """0 for allocations without a stack."""
    group_ids: typing.Any
    values: typing.Any
    """A row for each, with a column for each of `COLUMNS`, or twice as many."""

    def beside(self, other: StackSums) -> StackSums:
        """The rows of both, with the columns of both, 0 where one has none."""
        nothing, of_self = np.zeros_like(other.values), np.zeros_like(self.values)
        return StackSums(
            np.concatenate([self.stack_ids, other.stack_ids]),
            np.concatenate([self.group_ids, other.group_ids]),
            np.concatenate([np.hstack([self.values, of_self]), np.hstack([nothing, other.values])]),
        )


def stack_sums(
    trace: Trace, chosen: Chosen, measure: Measure = ALLOCATED, group: str | None = None
) -> StackSums:
    """Sum up each stack; each `thread`, `process` or `window` apart where that is the `group`."""
    is_of_moment, is_of_soon = measure.live_at_ns is not None, measure.within_ns is not None
    sums = event_sums(
        trace,
        chosen,
        group=group,
        moment_ns=END_NS if measure.live_at_ns is None else measure.live_at_ns,
        temporary_ns=measure.within_ns or 0,
        wanted=(HELD if is_of_moment else 0) | (TEMPORARY if is_of_soon else 0),
    )
    values = np.stack([sums[name].astype(np.float64) for name in COLUMNS], axis=1)
    return StackSums(sums["stack_id"], sums["group_id"], values)
