"""What was live at each moment at which that changed."""

from __future__ import annotations

import typing

import numpy as np

from memlyze.analyses.ended_processes import ended_processes
from memlyze.analyses.estimates import Estimate, Sampling
from memlyze.analyses.event_sums import event_sums
from memlyze.analyses.remembered import remembered
from memlyze.analyses.sampling import sampling_of
from memlyze.analyses.selection import END_NS, EVERYTHING, Chosen, Selection, choose
from memlyze.analyses.statements import run_columns
from memlyze.query.session import Trace

Array = typing.Any  # a one-dimensional numpy array

#: So much of a peak, or less, is live between it and another one.
_LOWER = 0.9


class LiveSeries(typing.NamedTuple):
    """Moments in order, and what is live from each to the next; a trace without allocations has
    none. Moments have the resolution of the trace's clock, about a millisecond.
    """

    times_ns: Array
    live_bytes: Array
    live_variances: Array
    changes: typing.Mapping[str, Array]
    """What happened at each: `allocated_bytes`, `allocated_variance`, `allocations`, `freed_bytes`,
    `freed_variance`, `frees`.
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

    def rival_of(self, moment_ns: int, from_ns: int, to_ns: int) -> int | None:
        """Of the moments in [from_ns, to_ns) between which and `moment_ns` a tenth of what is live
        then was gone, the one at which most is live, where that may be as much: within chance of
        the samples. None: there is no such moment.
        """
        first, end = np.searchsorted(self.times_ns, [from_ns, to_ns]).tolist()
        place = int(np.searchsorted(self.times_ns, moment_ns)) - first
        live, variances = self.live_bytes[first:end], self.live_variances[first:end]
        if not 0 <= place < len(live):
            return None
        lowest = np.concatenate(
            [
                np.minimum.accumulate(live[place::-1])[::-1],
                np.minimum.accumulate(live[place:])[1:],
            ]
        )
        within = 1.96 * np.sqrt(np.maximum(variances + variances[place], 0))
        rivals = (lowest <= _LOWER * live[place]) & (live >= live[place] - within)
        if not rivals.any():
            return None
        return int(self.times_ns[first + int(np.argmax(np.where(rivals, live, -1)))])

    def first_below(self, live_bytes: float, after_ns: int) -> int:
        """The first moment after another at which less is live than that; END_NS: there is none."""
        first = int(np.searchsorted(self.times_ns, after_ns, side="right"))
        below: Array = np.flatnonzero(self.live_bytes[first:] < live_bytes)
        return int(self.times_ns[first + int(below[0])]) if len(below) else END_NS


def live_series(trace: Trace, selection: Selection = EVERYTHING) -> LiveSeries:
    """Follow what is live of the chosen allocations. It is worked out once: several analyses ask
    for it. Raises SelectionError.
    """
    return remembered(
        trace, "series", lambda: _live_series(trace, selection), selection, of="allocations"
    )


def series_of(trace: Trace, selection: Selection = EVERYTHING) -> LiveSeries:
    """The series of a selection over all time: to zoom is then to cut. Raises SelectionError."""
    return live_series(trace, selection._replace(from_ns=0, to_ns=END_NS))


def _live_series(trace: Trace, selection: Selection) -> LiveSeries:
    chosen = choose(trace, selection)
    times_ns, columns = _changes(trace, chosen)
    live = np.cumsum(columns.pop("change_bytes"))
    # Sums of what is added and taken away again end a little beside 0.
    live[np.abs(live) < 0.5] = 0.0
    return LiveSeries(
        times_ns=times_ns,
        live_bytes=live,
        live_variances=np.cumsum(columns.pop("change_variance")),
        changes=columns,
        sampling=sampling_of(trace),
    )


def _changes(trace: Trace, chosen: Chosen) -> tuple[Array, dict[str, Array]]:
    """The times at which something changes, in order, and what does."""
    born = event_sums(trace, chosen, group="birth", by_stack=False)
    freed = event_sums(trace, chosen, group="free", by_stack=False)
    freed = {name: column[freed["group_id"] >= 0] for name, column in freed.items()}
    ended = _remains_of_ended(trace, chosen)
    times = [born["group_id"], freed["group_id"], ended["time_ns"]]
    times_ns, places = np.unique(np.concatenate(times), return_inverse=True)
    of_born, of_freed, of_ended = np.split(places, np.cumsum([len(part) for part in times[:2]]))

    def summed(places: Array, values: Array) -> Array:
        return np.bincount(places, weights=values, minlength=len(times_ns))

    changes = {
        "allocated_bytes": summed(of_born, born["bytes"]),
        "allocated_variance": summed(of_born, born["variance"]),
        "allocations": summed(of_born, born["allocations"]),
        "freed_bytes": summed(of_freed, freed["bytes"]),
        "freed_variance": summed(of_freed, freed["variance"]),
        "frees": summed(of_freed, freed["allocations"]),
    }
    for name in ("bytes", "variance"):
        gone = summed(of_freed, freed[name]) + summed(of_ended, ended[name])
        changes[f"change_{name}"] = changes[f"allocated_{name}"] - gone
    return times_ns, changes


def _remains_of_ended(trace: Trace, chosen: Chosen) -> dict[str, Array]:
    """What was live in a process ends with it, while others go on."""
    if not ended_processes(trace):
        return {name: np.empty(0, np.int64) for name in ("time_ns", "bytes", "variance")}
    parameters = {**chosen.parameters, "stack_ids": chosen.stack_ids}
    return run_columns(trace, "live_remains", parameters)
