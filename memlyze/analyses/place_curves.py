"""Bytes by place and time: the layers of a stacked picture, the rows of a heat map. Neither loses a
spike that is over within a bucket.
"""

from __future__ import annotations

import typing

import numpy as np

from memlyze.analyses.curves import bucket_edges, live_curve, most_live
from memlyze.analyses.event_sums import event_sums_by, gone_times
from memlyze.analyses.live_series import series_of
from memlyze.analyses.places import Place, Places
from memlyze.analyses.selection import EVERYTHING, Selection, choose
from memlyze.query.session import Trace

Array = typing.Any  # a numpy array

MEASURES = ("allocated", "live")
# Enough to see which places are great at some time.
_COARSE_BUCKETS = 64


class PlaceCurves(typing.NamedTuple):
    """The greatest places, and all others together in the last row of the arrays, which have a row
    for each place and one more, and a column for each bucket.
    """

    places: tuple[Place, ...]
    bytes: Array
    """Allocated in each bucket; or the most that was live of the place at any moment of it, which
    is another moment for each.
    """
    samples: Array
    """Allocations recorded in each bucket."""


class PlaceLevels(typing.NamedTuple):
    """What was live of each place at one moment of each bucket: that at which most was live in all.
    Rows and columns are those of `PlaceCurves`.
    """

    places: tuple[Place, ...]
    live_bytes: Array
    live_variance: Array


def place_curves(
    trace: Trace,
    places: Places,
    edges: Array,
    *,
    count: int,
    measure: str = "live",
    selection: Selection = EVERYTHING,
) -> PlaceCurves:
    """Follow the `count` places that are greatest by `measure` at some time within the buckets that
    `edges` are the borders of. Raises SelectionError.
    """
    events = _Events(trace, places, selection._replace(from_ns=0, to_ns=int(edges[-1])))
    if measure == "live":
        events.tell_apart(_greatest_live(events, edges, count))
        size = events.most_live(edges)
    else:
        events.tell_apart(_first(events.allocated("bytes", edges[[0, -1]])[:-1, 0], count))
        size = events.allocated("bytes", edges)
    return PlaceCurves(events.told_apart, size, events.allocated("samples", edges))


def place_levels(
    trace: Trace,
    places: Places,
    edges: Array,
    *,
    count: int,
    selection: Selection = EVERYTHING,
) -> PlaceLevels:
    """Look at the `count` places of which most is live at some time within the buckets that `edges`
    are the borders of. Raises SelectionError.
    """
    events = _Events(trace, places, selection._replace(from_ns=0, to_ns=int(edges[-1])))
    events.tell_apart(_greatest_live(events, edges, count))
    moments_ns = events.moments(edges)
    return PlaceLevels(
        events.told_apart,
        events.levels("bytes", moments_ns),
        np.maximum(events.levels("variance", moments_ns), 0.0),
    )


def _greatest_live(events: _Events, edges: Array, count: int) -> Array:
    """The numbers of the places of which most is live when most is live in all, in some part of the
    time.
    """
    coarse = bucket_edges(int(edges[0]), int(edges[-1]), _COARSE_BUCKETS)
    levels = events.levels("bytes", events.moments(coarse))
    return _first(levels[:-1].max(axis=1, initial=0.0), count)


def _first(sizes: Array, count: int) -> Array:
    order = np.argsort(-sizes, kind="stable")[:count]
    return order[sizes[order] > 0]


class _Events:
    """What was allocated and freed, by place. At first all places are told apart."""

    def __init__(self, trace: Trace, places: Places, selection: Selection) -> None:
        self._trace, self._places, self._selection = trace, places, selection
        self._chosen = choose(trace, selection)
        self._born_ns = trace.table("allocations")["time_ns"]
        self._gone_ns = gone_times(trace)
        self.tell_apart(np.arange(len(places.places)))

    def tell_apart(self, numbers: Array) -> None:
        """Have a row for each of these places, and one for all others."""
        self.told_apart = tuple(self._places.places[number] for number in numbers.tolist())
        row_of_place = np.full(len(self._places.places), len(numbers))
        row_of_place[numbers] = np.arange(len(numbers))
        ids = self._places.stack_ids
        row_of_stack = np.full(int(ids[-1]) + 2, len(numbers))  # the last: of one that is lost
        row_of_stack[ids] = row_of_place[self._places.of_stack]
        stacks = self._trace.table("allocations")["stack_id"]
        self._rows = row_of_stack[np.minimum(stacks, len(row_of_stack) - 1)]

    def moments(self, edges: Array) -> Array:
        """When most was live in all, in each bucket."""
        return live_curve(series_of(self._trace, self._selection), edges).greatest_live_ns

    def allocated(self, what: str, edges: Array) -> Array:
        """The `bytes` or `samples` of each row that were allocated in each bucket."""
        buckets = np.searchsorted(edges, self._born_ns, side="right")
        return self._grid(what, buckets, len(edges))[:, 1:]

    def levels(self, what: str, moments_ns: Array) -> Array:
        """The `bytes` of each row that were live at each moment, or their `variance`."""
        # What comes after the last moment is in a column of its own.
        born, gone = (
            self._grid(what, np.searchsorted(moments_ns, times_ns), len(moments_ns) + 1)
            for times_ns in (self._born_ns, self._gone_ns)
        )
        return _settled(np.cumsum(born - gone, axis=1)[:, :-1])

    def most_live(self, edges: Array) -> Array:
        """The most bytes of each row that were live at any moment of each bucket."""
        first_ns = max(int(edges[0]) - 1, 0)  # what was before is as if it were then
        end_ns = min(int(edges[-1]), max(int(self._born_ns.max(initial=0)) + 1, first_ns + 1))
        last_ns = max(end_ns, int(self._gone_ns[self._gone_ns < edges[-1]].max(initial=0)))
        span = last_ns - first_ns + 2
        changes = []
        for times_ns, sign in ((self._born_ns, 1.0), (self._gone_ns, -1.0)):
            rows, keys, sums = self._sums(np.clip(times_ns, first_ns, last_ns + 1) - first_ns, span)
            changes.append((rows, keys, sign * sums["bytes"]))
        rows, keys, size = map(np.concatenate, zip(*changes))
        order = np.lexsort((keys, rows))
        bounds = np.searchsorted(rows[order], np.arange(len(self.told_apart) + 2))
        found = []
        for first, end in zip(bounds[:-1].tolist(), bounds[1:].tolist()):
            of_row = order[first:end]
            of_row = of_row[keys[of_row] <= last_ns - first_ns]
            times_ns, place = np.unique(keys[of_row] + first_ns, return_inverse=True)
            change = np.bincount(place, weights=size[of_row], minlength=len(times_ns))
            found.append(most_live(times_ns, np.cumsum(change), edges)[0])
        return _settled(np.array(found))

    def _grid(self, what: str, keys: Array, count: int) -> Array:
        rows, columns, sums = self._sums(keys, count)
        shape = (len(self.told_apart) + 1, count)
        cells = rows * count + columns
        return np.bincount(cells, weights=sums[what], minlength=shape[0] * count).reshape(shape)

    def _sums(self, keys: Array, count: int) -> tuple[Array, Array, dict[str, Array]]:
        """The sums by row and by what `keys`, below `count`, have for each recorded allocation."""
        groups = self._rows * count
        groups += keys
        sums = event_sums_by(self._trace, self._chosen, groups)
        return sums["group_id"] // count, sums["group_id"] % count, sums


def _settled(level: Array) -> Array:
    level[np.abs(level) < 0.5] = 0.0  # sums of what is added and taken away again
    return level
