"""How old what lives becomes.

What is dropped after a while, as sessions are, is never older than that. While more of it comes
from minute to minute there is ever more of it, as of a leak: but its oldest become no older. Those
of a leak do, and those of a queue whose consumer falls behind.
"""

from __future__ import annotations

import numpy as np

from memlyze.query.leaks.clock import Array, Clock
from memlyze.query.leaks.curves import Rows

#: So much of what lives is older than what is taken for the oldest.
_OLDER = 0.1
#: So many recorded allocations tell how old they are.
_LEAST = 8
#: The oldest of a leak are twice as old at the end as in the middle of the time; chance may tell
#: of what is dropped after a while that they are so many times as old.
_NO_OLDER = 1.4
#: Where there is more of what is dropped after a while, it is more blocks; a few that are replaced
#: by ever greater ones are as young, and as many.
_MORE = 1.2


def is_dropped_by_age(rows: Rows, clock: Clock, onset: Array, end: Array, asked: Array) -> Array:
    """Whether the oldest of a site were no older at `end` than in the middle of the time since
    `onset`, all that lived then being gone. By site; False where it is not `asked`. Time is that of
    the clock on the wall, without pauses: what is dropped after a while goes by that.
    """
    time = clock.running
    half = (time[end] - time[onset]) / 2
    middle = np.searchsorted(time, time[onset] + half)
    (now, now_count), (before, before_count) = (
        _ages(rows, time, moment, asked) for moment in (end, middle)
    )
    # Where there are too few it is NaN, which compares as False.
    is_no_older: Array = (now < half) & (before < half) & (now <= _NO_OLDER * before)
    return is_no_older & (now_count > _MORE * before_count)


def _ages(rows: Rows, time: Array, moment: Array, asked: Array) -> tuple[Array, Array]:
    """How old the oldest of each site are in the cell `moment`; NaN: too few live then. And how
    many recorded ones do.
    """
    at = moment[rows.site]
    chosen = np.flatnonzero(asked[rows.site] & (rows.born < at) & (rows.died >= at))
    chosen = chosen[np.lexsort((rows.born[chosen], rows.site[chosen]))]
    site, size = rows.site[chosen], rows.bytes[chosen]
    count = np.bincount(site, minlength=len(moment))
    ages = np.full(len(moment), np.nan)
    if not len(chosen):
        return ages, count
    whole = np.bincount(site, weights=size, minlength=len(moment))
    before = np.cumsum(whole) - whole
    is_older = np.cumsum(size) - before[site] <= _OLDER * whole[site]
    first = np.cumsum(count) - count + np.bincount(site[is_older], minlength=len(moment))
    enough = count >= _LEAST
    born = np.maximum(rows.born[chosen[first[enough]]], 0)
    ages[enough] = time[moment[enough]] - time[born]
    return ages, count
