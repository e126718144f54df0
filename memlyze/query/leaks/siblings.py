"""What can be told of processes that are judged as one only by the life of each: how fast they grow
together, and what has an end because a process had.
"""

from __future__ import annotations

import numpy as np

from memlyze.query.leaks.clock import CELLS, Array
from memlyze.query.leaks.curves import Curves, Lives, gained_and_lost
from memlyze.query.leaks.shape import Shapes

_NEARLY_ALL = 0.9
_MARGIN_NS = 1_000_000_000
#: A sibling has come as far, and has stopped there: so much of what a process had, and so little of
#: that in the last third of its own life.
_AS_FAR = 0.8
_HARDLY_ANY = 0.15
_LONGER = 1.2
#: Processes that follow each other and live for no longer do a job each, or so many: what one has
#: when it ends, such as a cache that is not full yet, goes with it.
_LEAST_JOBS = 4
_LONGEST_JOB_NS = 60_000_000_000


def growth_rates(lives: Lives, curves: Curves, shapes: Shapes) -> Array:
    """By what the gain of each site from `shapes.rate_since` until its end is multiplied to be one
    a second: of the time in which those processes ran that gained nearly all of it.
    """
    clock = lives.clock
    span_ns = np.maximum(clock.time_ns(shapes.end) - clock.time_ns(shapes.rate_since), 1)
    if len(lives.spans) == 1:
        return 1e9 / span_ns
    gains = np.maximum(_gains(lives, curves, shapes.rate_since, shapes.end), 0)
    order = np.argsort(-gains, axis=0, kind="stable")
    most_first = np.take_along_axis(gains, order, axis=0)
    before = np.cumsum(most_first, axis=0) - most_first
    takes_part = np.empty(gains.shape, bool)
    np.put_along_axis(takes_part, order, before < _NEARLY_ALL * gains.sum(axis=0), axis=0)
    takes_part |= ~takes_part.any(axis=0)  # of what gained nothing, all do
    lasted_ns: dict[bytes, int] = {}
    rates = np.empty(len(span_ns))
    for site in range(len(rates)):
        key = takes_part[:, site].tobytes()
        if key not in lasted_ns:
            lasted_ns[key] = _lasted_ns(lives.spans[takes_part[:, site]])
        share_of_time = lasted_ns[key] / max(lives.end_ns - lives.start_ns, 1)
        rates[site] = 1e9 / max(span_ns[site] * share_of_time, 1)
    return rates


def are_cut_short(lives: Lives, curves: Curves, shapes: Shapes) -> Array:
    """Whether each site grew to the end only in processes that ended before others, which had come
    as far by then, or farther, and had stopped there: caches that were not full when a worker was
    killed.
    """
    sites = len(curves.sites)
    if len(lives.spans) == 1:
        return np.zeros(sites, bool)
    length_ns, end_ns = _lengths_ns(lives), lives.spans[:, 1]
    is_over = end_ns + _MARGIN_NS < end_ns.max()
    late = _gains(lives, curves, shapes.end - (shapes.end - shapes.onset) // 3, shapes.end)
    level = _gains(lives, curves, np.full(sites, -CELLS), shapes.end)
    rests = late <= _HARDLY_ANY * level
    explained = np.zeros(sites)
    for process in np.flatnonzero(is_over):
        is_longer = length_ns > _LONGER * length_ns[process]
        has_come_as_far = level[is_longer] >= _AS_FAR * level[process]
        is_explained = (rests[is_longer] & has_come_as_far).any(axis=0)
        is_explained &= ~rests[process]
        explained += np.where(is_explained, np.maximum(late[process], 0), 0)
    total = np.where(rests, 0, np.maximum(late, 0)).sum(axis=0)
    are: Array = (total > 0) & (explained >= _NEARLY_ALL * total)
    return are


def are_jobs(lives: Lives) -> bool:
    """Whether the processes are many that follow each other, each for a minute at most: what one
    lets go of at its end is no growth of what comes after it.
    """
    length_ns = _lengths_ns(lives)
    if len(length_ns) < _LEAST_JOBS or np.median(length_ns) > _LONGEST_JOB_NS:
        return False
    at_once = length_ns.sum() / max(lives.end_ns - lives.start_ns, 1)
    return bool(at_once <= len(length_ns) / _LEAST_JOBS)


def _lasted_ns(spans: Array) -> int:
    """How long at least one of these processes ran."""
    lasted, until = 0, 0
    for start_ns, end_ns in sorted(spans.tolist()):
        lasted += max(end_ns - max(start_ns, until), 0)
        until = max(until, end_ns)
    return lasted


def _lengths_ns(lives: Lives) -> Array:
    return np.maximum(lives.spans[:, 1] - lives.spans[:, 0], 1).astype(np.float64)


def _gains(lives: Lives, curves: Curves, since: Array, end: Array) -> Array:
    """Processes × sites: the bytes that each gained from one cell of its life to before another."""
    rows = curves.rows
    sites = len(curves.sites)
    is_gained, is_lost = gained_and_lost(rows, since, end)
    gained = np.where(is_gained, rows.bytes, np.where(is_lost, -rows.bytes, 0))
    counts = np.flatnonzero(gained)
    keys = rows.process[counts].astype(np.int64) * sites + rows.site[counts]
    count = len(lives.spans) * sites
    by_process: Array = np.bincount(keys, weights=gained[counts], minlength=count)
    return by_process.reshape(len(lives.spans), sites)
