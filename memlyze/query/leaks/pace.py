"""Whether the program itself slowed down: then what grows with its work grows more slowly, too."""

from __future__ import annotations

import numpy as np

from memlyze.query.leaks.clock import CELLS, COHORTS, Array, median
from memlyze.query.leaks.curves import Lives

#: A stack tells the pace where it allocated so often in every cohort but the first and idle ones.
_LEAST_SAMPLES = 20
_IDLE = 0.2


def pace_between(
    lives: Lives, stack_site: Array, sites: int, since: Array, late_since: Array, end: Array
) -> Array:
    """For each site, the program's pace from `late_since` to `end` by that from `since`.

    The pace is that of the stack which allocates most evenly of all, outside of the site: in a
    program that runs on at the same pace there is something in its loop that does. Only where all
    allocations are recorded: in a sample, what is frequent and small is not seen. 1 where nothing
    tells.
    """
    ratio = np.ones(sites)
    if not lives.is_exact:
        return ratio
    in_cohort = lives.activity.reshape(COHORTS, -1).sum(axis=1)
    is_busy = in_cohort >= _IDLE * median(in_cohort)
    is_busy[0] = False
    counts = lives.stack_samples[:, is_busy]
    steady = np.flatnonzero((counts >= _LEAST_SAMPLES).all(axis=1))
    if not len(steady) or is_busy.sum() < 2:
        return ratio
    variation = counts[steady].std(axis=1) / counts[steady].mean(axis=1)
    steady = steady[np.argsort(variation)]
    own = stack_site[steady]
    others = np.flatnonzero(own != own[0])
    for stack, of_sites in (
        (steady[0], np.arange(sites) != own[0]),
        (steady[others[0]] if len(others) else None, np.arange(sites) == own[0]),
    ):
        if stack is not None:
            work = np.concatenate([[0], np.cumsum(lives.stack_samples[stack])])
            done = [
                np.interp(
                    lives.clock.plain_cell[cells], np.arange(COHORTS + 1) * (CELLS // COHORTS), work
                )
                for cells in (since, late_since, end)
            ]
            before = (done[1] - done[0]) / np.maximum(late_since - since, 1)
            after = (done[2] - done[1]) / np.maximum(end - late_since, 1)
            known = of_sites & (before > 0) & (after > 0)
            ratio[known] = after[known] / before[known]
    return ratio
