"""What each window took: the private table beneath `windows` and `windows_by_name()`.

Two passes over the allocations net what happened in each window at each reading of the clock, when
it was made and when it was freed. These changes are few where allocations are many, and all figures
of a window follow from them: it held at a moment what was made in it before, less what was freed of
that before.
"""

from __future__ import annotations

import typing

import numpy as np

from memlyze._speedups import _event_sums

Array = typing.Any  # a one-dimensional numpy array
Columns = typing.Mapping[str, Array]

_SUMMED = ("bytes", "variance", "samples")
#: How long after a window was closed its holdings are looked at, by the suffix of the columns.
_AFTERWARDS_NS = {"": 0, "_1s": 10**9, "_10s": 10**10, "_60s": 6 * 10**10}
_LATEST = np.iinfo(np.int64).max
_EARLIEST = np.iinfo(np.int64).min
#: A window inside of so many others is not followed further out.
_DEEPEST = 10_000


class _Changes(typing.NamedTuple):
    """What was made in windows, and freed, as rows of one window and one moment."""

    place: Array
    """Of the window among those that have rows."""
    moment: Array
    """The number of the moment in order of time."""
    bytes: Array
    """Of what was made less what was freed; likewise those that follow."""
    variance: Array
    samples: Array


def window_sums(allocations: Columns, windows: Columns) -> dict[str, Array]:
    """The columns of the private table `window_sums`, from those of `allocations` and `windows`:
    one row for each window in which something was allocated, in order of their ids, and one, 0, for
    what was allocated in none.
    """
    order = np.argsort(windows["window_id"], kind="stable")
    windows = {name: windows[name][order] for name in ("window_id", "parent_id", "end_ns")}
    born = _sums(allocations, "time_ns")
    freed = _sums(allocations, "freed_ns")
    own_ids, enclosing_ids = _enclosing(np.unique(born["stack_id"]), windows)
    ids = np.unique(enclosing_ids)
    made = _by_enclosing(born, own_ids, enclosing_ids)
    gone = _by_enclosing(freed, own_ids, enclosing_ids)
    is_live = gone["group_id"] == -1
    live = {name: column[is_live] for name, column in gone.items()}
    gone = {name: column[~is_live] for name, column in gone.items()}
    table = {"window_id": ids}
    for name in ("bytes", "variance", "allocations", "allocations_variance", "samples"):
        table[name] = _summed(ids, made["window_id"], made[name])
    is_own = made["window_id"] == made["stack_id"]
    for name in ("bytes", "variance"):
        table[f"own_{name}"] = _summed(ids, made["window_id"][is_own], made[name][is_own])
    table["live"] = _summed(ids, live["window_id"], live["bytes"])
    table["live_variance"] = _summed(ids, live["window_id"], live["variance"])
    times, changes = _changes(ids, made, gone)
    ends = _ends(ids, windows)
    for suffix, after_ns in _AFTERWARDS_NS.items():
        until = np.searchsorted(times, np.minimum(ends, _LATEST - after_ns) + after_ns)
        held, variance = _held_before(changes, until)
        table[f"retained{suffix}"], table[f"retained{suffix}_variance"] = held, variance
    largest = np.zeros(len(ids))
    np.maximum.at(largest, np.searchsorted(ids, made["window_id"]), made["largest"])
    table["peak"], table["peak_variance"] = _peaks(changes, largest)
    table["samples"] = table["samples"].astype(np.int64)
    return table


def _sums(allocations: Columns, time: str) -> dict[str, Array]:
    """The sums of each window, which stands where stacks do otherwise, and each of its times."""
    by_window = {**allocations, "stack_id": allocations["window_id"]}
    return _event_sums.sum_events(
        by_window,
        _event_sums.chunk_times(by_window),
        from_ns=_EARLIEST,
        to_ns=_LATEST,
        moment_ns=_LATEST,
        temporary_ns=0,
        told_apart=0,
        wanted=0,
        groups=allocations[time],
    )


def _enclosing(used: Array, windows: Columns) -> tuple[Array, Array]:
    """The windows that were used and are known, each with itself and with every window around it;
    0, for none, with itself. `windows` are in the order of their ids.
    """
    known, parents = windows["window_id"], windows["parent_id"]
    own: Array = used[(used == 0) | np.isin(used, known)]
    around: Array = own
    own_ids, enclosing_ids = [own], [around]
    for _ in range(_DEEPEST):
        is_window = around != 0
        own = own[is_window]
        around = parents[np.searchsorted(known, around[is_window])]
        is_known = np.isin(around, known)
        own, around = own[is_known], around[is_known]
        if not len(own):
            break
        own_ids.append(own)
        enclosing_ids.append(around)
    return np.concatenate(own_ids), np.concatenate(enclosing_ids)


def _by_enclosing(sums: dict[str, Array], own_ids: Array, enclosing_ids: Array) -> dict[str, Array]:
    """The rows of each window (`stack_id`) once for each window around it (`window_id`)."""
    order = np.argsort(own_ids, kind="stable")
    own_ids, enclosing_ids = own_ids[order], enclosing_ids[order]
    first: Array = np.searchsorted(own_ids, sums["stack_id"], side="left")
    count: Array = np.searchsorted(own_ids, sums["stack_id"], side="right") - first
    rows = np.repeat(np.arange(len(count)), count)
    turn = np.arange(len(rows)) - np.repeat(np.cumsum(count) - count, count)
    made = {name: column[rows] for name, column in sums.items()}
    return {**made, "window_id": enclosing_ids[first[rows] + turn]}


def _changes(ids: Array, made: dict[str, Array], gone: dict[str, Array]) -> tuple[Array, _Changes]:
    """The moments at which anything changed, in order of time, and what did, in order of windows
    and moments.
    """
    both = [np.concatenate([made[name], gone[name]]) for name in ("window_id", "group_id")]
    places = np.searchsorted(ids, both[0])
    times, moments = np.unique(both[1], return_inverse=True)
    keys, rows = np.unique(places * len(times) + moments, return_inverse=True)
    net = [
        np.bincount(rows, weights=np.concatenate([made[name], -gone[name]]), minlength=len(keys))
        for name in _SUMMED
    ]
    moments_in_all = max(len(times), 1)
    return times, _Changes(keys // moments_in_all, keys % moments_in_all, *net)


def _held_before(changes: _Changes, until: Array) -> tuple[Array, Array]:
    """What each window held before a moment of its own: bytes and their variance."""
    is_before = changes.moment < until[changes.place]
    held, variance, samples = (
        np.bincount(changes.place[is_before], weights=column[is_before], minlength=len(until))
        for column in (changes.bytes, changes.variance, changes.samples)
    )
    # What was added and taken away again may leave a little beside 0.
    is_any = samples > 0.5
    return np.where(is_any, held, 0.0), np.where(is_any, np.maximum(variance, 0.0), 0.0)


def _peaks(changes: _Changes, largest: Array) -> tuple[Array, Array]:
    """The most that each window held at the end of a moment, or its largest block if that is more:
    it came and went within a moment.
    """
    if not len(changes.place):
        return largest, np.zeros(len(largest))
    starts = np.flatnonzero(np.diff(changes.place, prepend=-1))
    summed = np.cumsum(changes.bytes)
    held = summed - (summed[starts] - changes.bytes[starts])[changes.place]
    peak = np.maximum.reduceat(held, starts)
    at_peak = np.flatnonzero(held == peak[changes.place])
    _, firsts = np.unique(changes.place[at_peak], return_index=True)
    _, variance = _held_before(changes, changes.moment[at_peak[firsts]] + 1)
    return np.maximum(peak, largest), np.where(peak >= largest, variance, 0.0)


def _ends(ids: Array, windows: Columns) -> Array:
    """When each of the windows was closed; never: those that were not, and 0. `windows` are in the
    order of their ids.
    """
    known = np.concatenate([[0], windows["window_id"]])
    ends = np.concatenate([[-1], windows["end_ns"]])[np.searchsorted(known, ids)]
    return np.where(ends == -1, _LATEST, ends)


def _summed(ids: Array, of: Array, values: Array) -> Array:
    return np.bincount(np.searchsorted(ids, of), weights=values, minlength=len(ids))
