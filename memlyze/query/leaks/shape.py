"""What the curve of each site looks like: when it rises, how evenly, and whether it has stopped."""

from __future__ import annotations

import typing

import numpy as np

from memlyze.query.leaks.ages import is_dropped_by_age
from memlyze.query.leaks.clock import CELLS, Array
from memlyze.query.leaks.curves import Curves, Lives, gained_and_lost
from memlyze.query.leaks.pace import pace_between
from memlyze.query.leaks.trend import again_p, fewer_p, mann_kendall_p, net_flow_p, sign_flip_p

#: Parts that the time since a site began to grow is cut into, for the tests.
BLOCKS = 40
_LOOKS_PER_BLOCK = CELLS // BLOCKS
_THIRD = BLOCKS // 3
_HALF = BLOCKS // 2
#: A site begins to grow where what stays reaches this share of what it has at the end.
_ONSET = 0.03
_STEP = 0.0005
#: Where the pace of the last two thirds would have made so little of it, the rest came at once.
_HIDDEN = 0.2
_SHARP = 0.2  # relative error of the live bytes
_HIGH, _LOW = 0.7, 0.3
#: Frees by births of a site whose contents are replaced.
TURNOVER = 0.3
#: What falls from _HIGH to _LOW of its peak within so many cells was freed in one go.
_SUDDEN_CELLS = CELLS // 32


class Shapes(typing.NamedTuple):
    """One value for each site. Cells are counted from the start of the process."""

    peak: Array
    """Most bytes live."""
    top: Array
    """Bytes live at `end`."""
    onset: Array
    """First cell since which what stays has been growing."""
    end: Array
    """Cell after the last that is judged: what comes later is shutdown, or nothing happens."""
    is_freed_at_once: Array
    """Whether the site had its greatest part freed in one go, never to come back."""
    level: Array
    """As `top`, of the last fortieth of the time: what is replaced is not counted twice."""
    rise: Array
    """Bytes that it grew by since `onset`."""
    late_rise: Array
    """Bytes that it grew by in the last third of that time."""
    rises: Array
    """Cells in which what stays grew."""
    rate_since: Array
    """Cell at which the last two thirds of the time since `onset` begin."""
    gain: Array
    """Bytes by which it grew since then."""
    gain_variance: Array
    """Of sampling."""
    p_window: Array
    """That what it grew by since `onset` is chance."""
    p_half: Array
    """The same of the last half."""
    p_third: Array
    """The same of the last third."""
    p_again: Array
    """Of several processes: that what they grew by is chance, but for what each of them gained at
    once; 0 for one alone.
    """
    slowing: Array
    """Growth in the last third by that in the middle third: 1 even, 0 stopped."""
    p_slower: Array
    """Chance of so few of what stays being born in the last third, were the growth as even as in
    the middle third. Each recorded allocation counts."""
    late_births: Array
    """How many recorded allocations of what stays were born in the last third."""
    p_fading: Array
    """Chance of so few of them, were the growth as even as in the first half."""
    greatest_step: Array
    """The most that it grew by from one block to the next."""
    slowing_before: Array
    """Growth in the middle third by that in the first: 1 even, less for what fills ever more
    slowly."""
    quiet_tail: Array
    """Share of the time since `onset` since when it has not grown."""
    longest_pause: Array
    """The longest time between two rises, as such a share."""
    last_rise: Array
    """The cell in which it last grew; `onset` where it never did."""
    still: Array
    """As `quiet_tail`, in the time of the clock on the wall, without pauses."""
    longest_still: Array
    """As `longest_pause`, in the same time."""
    falls: Array
    """Falls by rises, between blocks: 0 nothing is ever freed, 1 it only fluctuates."""
    turnover: Array
    """What was freed since `onset` by what was made, of what lived beyond its cell."""
    is_dropped_by_age: Array
    """Whether what it has is dropped after a while: its oldest do not become older."""
    drawdown: Array
    """Greatest fall from a peak before `end`, as a share of `peak`."""


def measure(curves: Curves, lives: Lives, stack_site: Array) -> Shapes:
    """Measure all curves at once. `stack_site` has the row of the site of each stack, or −1."""
    live = curves.live
    sites = len(live)
    cells = np.arange(CELLS)
    rows = np.arange(sites)
    peak = live.max(axis=1, initial=0)

    last_high = CELLS - 1 - np.argmax((live >= _HIGH * peak[:, None])[:, ::-1], axis=1)
    is_gone = live[:, -1] < _LOW * peak
    later = np.minimum(last_high + _SUDDEN_CELLS, CELLS - 1)
    is_freed_at_once = is_gone & (live[rows, later] <= _LOW * peak)
    # To free many small blocks takes a while, too: it began where there was most, shortly before.
    before = np.clip(last_high[:, None] - np.arange(_SUDDEN_CELLS), 0, None)
    begins = last_high - np.argmax(np.take_along_axis(live, before, axis=1), axis=1)
    end = np.where(is_freed_at_once, np.maximum(begins, 0) + 1, CELLS)
    top = live[rows, end - 1]

    before_end = np.where(cells < end[:, None], live, np.inf)
    floor = np.minimum.accumulate(before_end[:, ::-1], axis=1)[:, ::-1]
    gained = top - curves.before
    onset = np.argmax(floor - curves.before[:, None] >= _ONSET * gained[:, None], axis=1)
    base = np.where(onset > 0, floor[rows, np.maximum(onset - 1, 0)], curves.before)

    length = end - onset
    blocks, increments = _blocks(live, onset, length, base)
    middle, last = BLOCKS - 2 * _THIRD - 1, BLOCKS - _THIRD - 1
    late, earlier = _slopes(blocks[:, last:]), _slopes(blocks[:, middle : last + 1])
    since = onset + (middle + 1) * length // BLOCKS
    late_since = onset + (last + 1) * length // BLOCKS

    steps = np.diff(np.where(np.isinf(floor), 0, floor), axis=1, prepend=0)
    in_window = (cells >= onset[:, None]) & (cells < end[:, None])
    gain = blocks[:, -1] - blocks[:, middle]
    # Much that came at once would hide what comes each time.
    steady = gain * BLOCKS / (BLOCKS - 1 - middle)
    scale = np.where(steady < _HIDDEN * gained, steady, gained)
    has_risen = in_window & (steps > _STEP * np.maximum(scale, 1)[:, None])
    last_rise = np.maximum.accumulate(np.where(has_risen, cells, -1), axis=1)
    previous = np.concatenate([np.full((sites, 1), -1), last_rise[:, :-1]], axis=1)
    follows = has_risen & (previous >= 0)
    pauses = np.where(follows, cells - previous, 0)
    last_rise = np.maximum(last_rise[:, -1], onset)
    wall = lives.clock.running
    wall_pauses = np.where(follows, wall[cells] - wall[previous], 0)
    wall_length = np.maximum(wall[end] - wall[onset], 1)

    up = np.maximum(increments, 0).sum(axis=1)
    down = np.maximum(-increments, 0).sum(axis=1)
    fall = (np.maximum.accumulate(blocks, axis=1) - blocks).max(axis=1, initial=0)
    # Where sampling blurs the levels, they depend on each other by more than a test can undo.
    is_sharp = 1.96 * np.sqrt(curves.live_variance) <= _SHARP * gained
    is_sharp |= curves.is_single
    if lives.is_exact:
        p_half, p_third = (sign_flip_p(increments[:, -part:]) for part in (_HALF, _THIRD))
    else:
        p_half, p_third = (
            net_flow_p(curves.rows, first, end) for first in (onset + length // 2, late_since)
        )
    first_births, middle_births, late_births = _lasting_births(
        curves, end, [(onset, onset + length // 2), (since, late_since), (late_since, end)]
    )
    turnover = (curves.died * in_window).sum(axis=1) / np.maximum(
        (curves.born * in_window).sum(axis=1), 1
    )
    # One block that is replaced is always young.
    may_be_dropped = (turnover >= TURNOVER) & ~curves.is_single
    return Shapes(
        peak=peak,
        top=top,
        onset=onset,
        end=end,
        is_freed_at_once=is_freed_at_once,
        level=blocks[:, -1],
        rise=blocks[:, -1] - base,
        late_rise=late * _THIRD,
        rises=has_risen.sum(axis=1),
        rate_since=since,
        gain=gain,
        gain_variance=_gain_variance(curves, since, end),
        p_window=_either(sign_flip_p(increments), blocks, is_sharp, curves.is_single),
        p_half=_either(p_half, blocks[:, _HALF:], is_sharp, curves.is_single),
        p_third=_either(p_third, blocks[:, -_THIRD:], is_sharp, curves.is_single),
        p_again=again_p(curves.rows, onset, end, BLOCKS)
        if lives.process.any()
        else np.zeros(sites),
        slowing=late
        / np.maximum(earlier, 1e-9 * np.maximum(peak, 1))
        / np.minimum(pace_between(lives, stack_site, sites, since, late_since, end), 1),
        p_slower=fewer_p(middle_births, late_births),
        p_fading=fewer_p(first_births, late_births, 2 * _THIRD / BLOCKS),
        late_births=late_births,
        greatest_step=increments.max(axis=1, initial=0),
        slowing_before=earlier
        / np.maximum((blocks[:, middle] - base) / (middle + 1), 1e-9 * np.maximum(peak, 1)),
        quiet_tail=(end - 1 - last_rise) / np.maximum(length, 1),
        longest_pause=pauses.max(axis=1, initial=0) / np.maximum(length, 1),
        last_rise=last_rise,
        still=(wall[end] - wall[last_rise + 1]) / wall_length,
        longest_still=wall_pauses.max(axis=1, initial=0) / wall_length,
        falls=down / np.maximum(up, 1e-300),
        turnover=turnover,
        is_dropped_by_age=is_dropped_by_age(curves.rows, lives.clock, onset, end, may_be_dropped),
        drawdown=fall / np.maximum(peak, 1),
    )


def _gain_variance(curves: Curves, since: Array, end: Array) -> Array:
    """Of sampling, of what each site gained from one cell to before another: of what was born and
    stayed, and of what was there and went. What came and went in between has gained nothing,
    however much of it there was.
    """
    rows = curves.rows
    if not rows.variance.any():
        return np.zeros(len(curves.sites))
    counts = np.logical_or(*gained_and_lost(rows, since, end))
    return np.bincount(
        rows.site[counts], weights=rows.variance[counts], minlength=len(curves.sites)
    )


def _lasting_births(
    curves: Curves, end: Array, parts: typing.Sequence[tuple[Array, Array]]
) -> list[Array]:
    """How many of the recorded allocations that are live at `end` were born in each part of the
    time, which is from one cell to before another.
    """
    rows, sites = curves.rows, len(curves.live)
    stays = np.flatnonzero((rows.died >= end[rows.site]) & (rows.born < end[rows.site]))
    site, born = rows.site[stays], rows.born[stays]
    return [
        np.bincount(site[(born >= start[site]) & (born < stop[site])], minlength=sites)
        for start, stop in parts
    ]


def _slopes(levels: Array) -> Array:
    """How much each row rises from one level to the next, by least squares."""
    places = np.arange(levels.shape[1]) - (levels.shape[1] - 1) / 2
    slopes: Array = levels @ places / (places**2).sum()
    return slopes


def _either(p_value: Array, levels: Array, is_sharp: Array, is_single: Array) -> Array:
    """The lesser of a p-value and that of a trend of the levels, corrected for having two.

    Ranks do not see that what came at once is one event, such as a table that made itself twice as
    large: half of the levels are below the step, half above, which looks like a trend. So the
    levels must have one without their greatest step, too.
    """
    either = p_value.copy()
    trend = mann_kendall_p(without_greatest_step(levels[is_sharp], is_single[is_sharp]))
    either[is_sharp] = np.minimum(1, 2 * np.minimum(p_value[is_sharp], trend))
    return either


def without_greatest_step(levels: Array, is_single: Array) -> Array:
    """Levels by site and block as if the greatest rise from one to the next had not been, and the
    fall that is of the same event.
    """
    steps = np.diff(levels, axis=1)
    places = np.arange(steps.shape[1])
    greatest = steps.argmax(axis=1)[:, None]
    # What is replaced is there beside it for a moment, and goes: that is the same event.
    follows = (places > greatest) & (places <= greatest + 2)
    # One block that sampling missed for a moment is not there, and then there again.
    misses = is_single[:, None] & (places < greatest) & (places >= greatest - 2)
    is_of_step = (places == greatest) | ((follows | misses) & (steps < 0))
    left: Array = np.concatenate(
        [levels[:, :1], levels[:, :1] + np.cumsum(np.where(is_of_step, 0, steps), axis=1)], axis=1
    )
    return left


def _blocks(live: Array, onset: Array, length: Array, base: Array) -> tuple[Array, Array]:
    """The level of each block since `onset`, and the increments from each to the next.

    The level is the least in the block, or its mean where that goes up and down by less: what is
    replaced by something greater is there twice for a moment, and the least is then a matter of
    luck.
    """
    looks = np.arange(BLOCKS * _LOOKS_PER_BLOCK)
    places = onset[:, None] + (looks * length[:, None]) // len(looks)
    seen = np.take_along_axis(live, places, axis=1).reshape(-1, BLOCKS, _LOOKS_PER_BLOCK)
    levels = [seen.min(axis=2), seen.mean(axis=2)]
    increments = [np.diff(level, axis=1, prepend=base[:, None]) for level in levels]
    least, mean = (
        np.abs(each).sum(axis=1) / np.maximum(each.sum(axis=1), 1) for each in increments
    )
    is_mean = (mean < 0.5 * least)[:, None]
    return np.where(is_mean, levels[1], levels[0]), np.where(is_mean, increments[1], increments[0])
