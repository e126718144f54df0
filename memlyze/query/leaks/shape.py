"""What the curve of each site looks like: when it rises, how evenly, and whether it has stopped."""

from __future__ import annotations

import typing

import numpy as np

from memlyze.query.leaks.curves import CELLS, Array, Curves
from memlyze.query.leaks.trend import sign_flip_p

#: Parts that the time since a site began to grow is cut into, for the tests.
BLOCKS = 40
_LOOKS_PER_BLOCK = 8
_THIRD = BLOCKS // 3
_HALF = BLOCKS // 2
#: A site begins to grow where what stays reaches this share of what it has at the end.
_ONSET = 0.03
_STEP = 0.0005
_HIGH, _LOW = 0.7, 0.3
#: What falls from _HIGH to _LOW of its peak within so many cells was freed in one go.
_SUDDEN_CELLS = CELLS // 32
#: A cell with less than this share of the usual number of allocations is idle.
_IDLE = 0.05


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
    rise: Array
    """Bytes that it grew by since `onset`."""
    rises: Array
    """Cells in which what stays grew."""
    rate: Array
    """Bytes per cell by which it grew in the last two thirds of the time since `onset`."""
    rate_variance: Array
    p_window: Array
    """That what it grew by since `onset` is chance."""
    p_half: Array
    """The same of the last half."""
    p_third: Array
    """The same of the last third."""
    slowing: Array
    """Growth in the last third by that in the middle third: 1 even, 0 stopped."""
    quiet_tail: Array
    """Share of the time since `onset` since when it has not grown."""
    longest_pause: Array
    """The longest time between two rises, as such a share."""
    falls: Array
    """Falls by rises, between blocks: 0 nothing is ever freed, 1 it only fluctuates."""
    turnover: Array
    """What was freed since `onset` by what was made, of what lived beyond its cell."""
    drawdown: Array
    """Greatest fall from a peak before `end`, as a share of `peak`."""


def last_active_cell(activity: Array) -> int:
    """The cell after the last in which the program did something worth mentioning; the last of all
    where it idled for more than half of its life.
    """
    busy = activity[activity > 0]
    if not len(busy):
        return CELLS
    active = np.flatnonzero(activity >= _IDLE * np.median(busy))
    last = int(active[-1]) + 1
    return last if last >= CELLS // 2 else CELLS


def measure(curves: Curves, activity: Array) -> Shapes:
    """Measure all curves at once."""
    live = curves.live
    sites = len(live)
    cells = np.arange(CELLS)
    rows = np.arange(sites)
    peak = live.max(axis=1, initial=0)

    last_high = CELLS - 1 - np.argmax((live >= _HIGH * peak[:, None])[:, ::-1], axis=1)
    is_gone = live[:, -1] < _LOW * peak
    later = np.minimum(last_high + _SUDDEN_CELLS, CELLS - 1)
    is_freed_at_once = is_gone & (live[rows, later] <= _LOW * peak)
    end = np.where(is_freed_at_once, last_high + 1, last_active_cell(activity))
    end = np.maximum(end, 1)
    top = live[rows, end - 1]

    before_end = np.where(cells < end[:, None], live, np.inf)
    floor = np.minimum.accumulate(before_end[:, ::-1], axis=1)[:, ::-1]
    onset = np.argmax(floor >= _ONSET * top[:, None], axis=1)
    base = np.where(onset > 0, floor[rows, np.maximum(onset - 1, 0)], 0.0)

    length = end - onset
    looks = np.arange(BLOCKS * _LOOKS_PER_BLOCK)
    places = onset[:, None] + (looks * length[:, None]) // len(looks)
    blocks = np.take_along_axis(live, places, axis=1)
    blocks = blocks.reshape(sites, BLOCKS, _LOOKS_PER_BLOCK).min(axis=2)
    increments = np.diff(blocks, axis=1, prepend=base[:, None])

    middle, last = BLOCKS - 2 * _THIRD - 1, BLOCKS - _THIRD - 1
    late = blocks[:, -1] - blocks[:, last]
    earlier = blocks[:, last] - blocks[:, middle]
    since = onset + (middle + 1) * length // BLOCKS
    in_rate = (cells >= since[:, None]) & (cells < end[:, None])
    rate_cells = np.maximum(end - since, 1)

    steps = np.diff(np.where(np.isinf(floor), 0, floor), axis=1, prepend=0)
    in_window = (cells >= onset[:, None]) & (cells < end[:, None])
    has_risen = in_window & (steps > _STEP * np.maximum(top, 1)[:, None])
    last_rise = np.maximum.accumulate(np.where(has_risen, cells, -1), axis=1)
    previous = np.concatenate([np.full((sites, 1), -1), last_rise[:, :-1]], axis=1)
    pauses = np.where(has_risen & (previous >= 0), cells - previous, 0)

    up = np.maximum(increments, 0).sum(axis=1)
    down = np.maximum(-increments, 0).sum(axis=1)
    highest = np.maximum.accumulate(np.where(cells < end[:, None], live, -np.inf), axis=1)
    fall = np.where(cells < end[:, None], highest - live, 0).max(axis=1, initial=0)
    return Shapes(
        peak=peak,
        top=top,
        onset=onset,
        end=end,
        is_freed_at_once=is_freed_at_once,
        rise=blocks[:, -1] - base,
        rises=has_risen.sum(axis=1),
        rate=(blocks[:, -1] - blocks[:, middle]) / rate_cells,
        rate_variance=(curves.variance * in_rate).sum(axis=1) / rate_cells**2,
        p_window=sign_flip_p(increments),
        p_half=sign_flip_p(increments[:, _HALF:]),
        p_third=sign_flip_p(increments[:, -_THIRD:]),
        slowing=late / np.maximum(earlier, 1e-9 * np.maximum(peak, 1)),
        quiet_tail=(end - 1 - np.maximum(last_rise[:, -1], onset)) / np.maximum(length, 1),
        longest_pause=pauses.max(axis=1, initial=0) / np.maximum(length, 1),
        falls=down / np.maximum(up, 1e-300),
        turnover=(curves.died * in_window).sum(axis=1)
        / np.maximum((curves.born * in_window).sum(axis=1), 1),
        drawdown=fall / np.maximum(peak, 1),
    )
