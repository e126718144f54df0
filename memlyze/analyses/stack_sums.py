"""What each call stack has of the chosen allocations."""

from __future__ import annotations

import typing

import numpy as np

from memlyze.analyses.selection import Chosen
from memlyze.analyses.statements import run_columns
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
    """Sum up each stack, and where `group` is `thread`, `process` or `window` each of these apart.

    The statement gives what all stacks have; those that were not chosen are left out here.
    """
    parameters = {**chosen.parameters, **measure._asdict(), "by": group}
    columns = run_columns(trace, "stack_sums", parameters)
    sums = StackSums(
        columns["stack_id"],
        columns["group_id"],
        np.stack([columns[name].astype(np.float64) for name in COLUMNS], axis=1),
    )
    if chosen.stack_ids is None:
        return sums
    is_wanted = np.isin(sums.stack_ids, np.array(chosen.stack_ids, dtype=np.int64))
    return StackSums(*(column[is_wanted] for column in sums))
