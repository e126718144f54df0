"""The statistical tests, over many sites at once: rows are sites."""

from __future__ import annotations

import math

import numpy as np

from memlyze.query.leaks.clock import CELLS, Array, median
from memlyze.query.leaks.curves import Rows


def sign_flip_p(increments: Array) -> Array:
    """One-sided p-value of each row's sum, were each increment as likely down as up.

    Fisher's randomisation test: keeping the sizes of the increments, how many of the 2ⁿ ways to
    choose their signs would give a sum as great? The sum of n increments of random sign is normal
    enough with the variance of their squares. What came at once counts once, however much it was;
    what goes back to where it was counts as nothing, and a level that fluctuates has increments
    that take each other back, which makes the test cautious, not bold.
    """
    squares = (increments**2).sum(axis=1)
    return _upper_tail(increments.sum(axis=1), squares)


def net_flow_p(rows: Rows, since: Array, end: Array) -> Array:
    """One-sided p-value of what each site gained from cell `since` to `end`.

    What is live at the end and was not at `since`, less what was live at `since` and is not at the
    end: were the site in balance, each of these would be as likely gain as loss. Each cell counts
    as one event. Of sampled allocations this sees more than the increments of short blocks do, as
    what comes and goes in between is left out.
    """
    sites = len(since)
    starts, ends = since[rows.site], end[rows.site]
    came = (rows.born >= starts) & (rows.born < ends) & (rows.died >= ends)
    went = (rows.born < starts) & (rows.died >= starts) & (rows.died < ends)
    net, squares = np.zeros(sites), np.zeros(sites)
    for which, cells, sign in ((came, rows.born, 1), (went, rows.died, -1)):
        keys = rows.site[which] * (CELLS + 1) + cells[which]
        by_cell = np.bincount(keys, weights=rows.bytes[which], minlength=sites * (CELLS + 1))
        by_cell = by_cell.reshape(sites, CELLS + 1)
        net += sign * by_cell.sum(axis=1)
        squares += (by_cell**2).sum(axis=1)
    return _upper_tail(net, squares)


def again_p(rows: Rows, onset: Array, end: Array, blocks: int) -> Array:
    """One-sided p-value of what each site gained from `onset` to `end`, without what each of the
    processes that are judged together gained at once.

    A process may build something when it first needs it, and stays as large from then on. Many that
    do so, one now and one then, look like growth when they are added up. So of each the block
    in which it gained most, and those beside it, are left out; the others are as in `net_flow_p`.
    """
    start, length = onset[rows.site], (end - onset)[rows.site]
    came = (rows.born >= start) & (rows.died >= end[rows.site]) & (rows.born < end[rows.site])
    went = (rows.born < start) & (rows.died >= start) & (rows.died < end[rows.site])
    net, squares = np.zeros(len(end)), np.zeros(len(end))
    processes = int(rows.process.max(initial=0)) + 1
    # One process at a time: there may be hundreds, of which most have few of the sites.
    for number in range(processes):
        gains = np.zeros((len(end), blocks))
        for which, cells, sign in ((came, rows.born, 1), (went, rows.died, -1)):
            chosen = which & (rows.process == number)
            place = (cells[chosen] - start[chosen]) * blocks // length[chosen]
            np.add.at(gains, (rows.site[chosen], place), sign * rows.bytes[chosen])
        greatest = gains.argmax(axis=1)[:, None]
        gains[np.abs(np.arange(blocks) - greatest) <= 1] = 0
        net += gains.sum(axis=1)
        squares += (gains**2).sum(axis=1)
    return _upper_tail(net, squares)


def fewer_p(before: Array, after: Array, length: float = 1) -> Array:
    """One-sided p-value of so few events `after` for so many `before`, were they as frequent: the
    lower tail of the binomial distribution, as a normal one. `length`: of the later time by that of
    the earlier.
    """
    total = before + after
    share = length / (1 + length)
    z = (total * share - after - 0.5) / np.sqrt(np.maximum(total, 1) * share * (1 - share))
    return np.array([0.5 * math.erfc(value / math.sqrt(2)) for value in z])


def best_p(events: Array) -> Array:
    """The least p-value that so many events can have, all of one size and none that goes back."""
    return _upper_tail(events, events)


def _upper_tail(net: Array, squares: Array) -> Array:
    z = net / np.sqrt(np.maximum(squares, 1e-300))
    return np.array([0.5 * math.erfc(value / math.sqrt(2)) for value in z])


def same_times_p(times: Array, groups: Array) -> float:
    """p-value of the times of each group being so different from those of the others, were they of
    one distribution (Kruskal and Wallis 1952, without correction for ties; the tail of χ² by Wilson
    and Hilferty 1931).
    """
    ranks = np.argsort(np.argsort(times, kind="stable"), kind="stable") + 1.0
    _, number, count = np.unique(groups, return_inverse=True, return_counts=True)
    total = len(times)
    if len(count) < 2:
        return 1.0
    of_group = np.bincount(number, weights=ranks)
    statistic = 12 / (total * (total + 1)) * (of_group**2 / count).sum() - 3 * (total + 1)
    freedom = len(count) - 1
    spread = 2 / (9 * freedom)
    z = (max(statistic / freedom, 0.0) ** (1 / 3) - (1 - spread)) / math.sqrt(spread)
    return 0.5 * math.erfc(z / math.sqrt(2))


def mann_kendall_p(levels: Array) -> Array:
    """One-sided p-value of each row's trend upwards (Mann 1945, Kendall 1975), as modified for
    levels that depend on those before (Hamed and Rao 1998): what is correlated counts as less.
    """
    count = levels.shape[1]
    first, second = np.triu_indices(count, 1)
    differences = levels[:, second] - levels[:, first]
    score = np.sign(differences).sum(axis=1)
    slope = median(differences / (second - first))
    left = levels - slope[:, None] * np.arange(count)
    ranks = np.argsort(np.argsort(left, axis=1), axis=1) - (count - 1) / 2
    lags = np.arange(1, count - 2)
    correlation = np.stack(
        [(ranks[:, lag:] * ranks[:, :-lag]).sum(axis=1) for lag in lags], axis=1
    ) / (ranks**2).sum(axis=1, keepdims=True)
    correlation[np.abs(correlation) < 1.96 / np.sqrt(count)] = 0
    weights = (count - lags) * (count - lags - 1) * (count - lags - 2)
    inflation = 1 + 2 / (count * (count - 1) * (count - 2)) * (correlation * weights).sum(axis=1)
    ties = np.array([_tie_sum(row) for row in levels])
    variance = (count * (count - 1) * (2 * count + 5) - ties) / 18 * np.maximum(inflation, 1)
    return _upper_tail(np.maximum(score - 1, 0), variance)


def _tie_sum(values: Array) -> int:
    _, counts = np.unique(values, return_counts=True)
    return int((counts * (counts - 1) * (2 * counts + 5)).sum())


def holm(p_values: Array) -> Array:
    """p-values corrected for having looked at all of them (Holm 1979): the chance that any one of
    so many sites that do not grow would look like it.
    """
    order = np.argsort(p_values)
    factors = np.arange(len(p_values), 0, -1)
    corrected = np.maximum.accumulate(np.minimum(p_values[order] * factors, 1.0))
    result = np.empty(len(p_values))
    result[order] = corrected
    return result
