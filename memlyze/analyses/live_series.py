"""What was live at each moment at which that changed."""

from __future__ import annotations

import typing

import numpy as np

from memlyze.analyses.estimates import Estimate, Sampling
from memlyze.analyses.sampling import sampling_of
from memlyze.analyses.selection import EVERYTHING, Selection, choose
from memlyze.analyses.statements import run_columns
from memlyze.query.session import Trace

Array = typing.Any  # a one-dimensional numpy array


class LiveSeries(typing.NamedTuple):
    """Moments in order, and what is live from each to the next; a trace without allocations has
    none. Moments have the resolution of the trace's clock, about a millisecond.
    """

    times_ns: Array
    live_bytes: Array
    live_variances: Array
    changes: typing.Mapping[str, Array]
    """What happened at each: `allocated_bytes`, `allocated_variance`, `allocations`, `freed_bytes`,
    `frees`.
    """
    sampling: Sampling

    def live_at(self, time_ns: int) -> Estimate:
        """What is live at a moment."""
        place = int(np.searchsorted(self.times_ns, time_ns, side="right")) - 1
        if place < 0:
            return self.sampling.of_bytes(0.0, 0.0)
        return self.sampling.of_bytes(
            float(self.live_bytes[place]), float(self.live_variances[place])
        )

    def greatest_between(self, from_ns: int, to_ns: int) -> int | None:
        """The first moment in [from_ns, to_ns) at which most is live; None: nothing changes."""
        first, end = np.searchsorted(self.times_ns, [from_ns, to_ns]).tolist()
        if first == end:
            return None
        return int(self.times_ns[first + int(np.argmax(self.live_bytes[first:end]))])


def live_series(trace: Trace, selection: Selection = EVERYTHING) -> LiveSeries:
    """Follow what is live of the chosen allocations. Raises SelectionError."""
    chosen = choose(trace, selection)
    parameters = {**chosen.parameters, "stack_ids": chosen.stack_ids}
    columns = run_columns(trace, "live_changes", parameters)
    live = np.cumsum(columns.pop("change_bytes"))
    # Sums of what is added and taken away again end a little beside 0.
    live[np.abs(live) < 0.5] = 0.0
    return LiveSeries(
        times_ns=columns.pop("time_ns"),
        live_bytes=live,
        live_variances=np.cumsum(columns.pop("change_variance")),
        changes=columns,
        sampling=sampling_of(trace),
    )
