"""The time that growth is measured by: that of the process's life in which it did something.

A program that waits for requests, or for its turn on a busy machine, cannot leak meanwhile. Such a
pause looks as if a leak had stopped.
"""

from __future__ import annotations

import typing

import numpy as np

Array = typing.Any  # a numpy array

#: Parts that the life of a process is cut into.
CELLS = 480
#: Cohorts of birth, for their survival: equal parts of the process's life.
COHORTS = 12
#: A cell with less than this share of the usual number of allocations is idle.
_IDLE = 0.05
#: Recorded allocations that tell how fast a process works.
_ENOUGH = 12
#: The clock goes as many times faster than usual at most.
_FASTEST = 4


class Clock(typing.NamedTuple):
    """Cells of equal length, and those of busy time. There are `CELLS` of both."""

    start_ns: int
    cell_ns: float
    """Length of the former."""
    busy_cell: Array
    """Cell of busy time that each of the former lies in; `CELLS` is itself."""
    plain_cell: Array
    """Where each cell of busy time begins, in cells of equal length; a fraction."""

    def cells(self, plain: Array) -> Array:
        """Cells of busy time, from those of equal length."""
        return self.busy_cell[plain.astype(np.int64)]

    def time_ns(self, cells: Array) -> Array:
        """When each of these cells of busy time begins."""
        return (self.start_ns + self.plain_cell[cells] * self.cell_ns).astype(np.int64)


def work_clock(
    activity: Array, start_ns: int, end_ns: int, *, is_exact: bool, pauses: Array
) -> Clock:
    """The clock of a process that had so many recorded allocations in each cell of equal length.

    It goes with the allocations where there are fewer than usual, and with time where there are
    more, as when modules are imported or data is loaded. `pauses` are times in which the process
    stood still for the recorder's sake: rows of start and end. They are left out. A process that
    idles for more than half of its life does so as its way of life: there the clock goes with time.
    """
    cell_ns = (end_ns - start_ns) / CELLS
    middles = start_ns + (np.arange(CELLS) + 0.5) * cell_ns
    runs = np.ones(CELLS, dtype=bool)
    for pause_start_ns, pause_end_ns in pauses:
        runs &= (middles < pause_start_ns) | (middles > pause_end_ns)
    if not runs.any():
        runs[:] = True
    pace = _pace(activity, runs, is_exact)
    if (pace < _IDLE).sum() > (CELLS + (~runs).sum()) / 2:
        pace = runs.astype(np.float64)
    every = np.arange(CELLS + 1)
    done = np.concatenate([[0], np.cumsum(pace)]) * (CELLS / pace.sum())
    busy_cell = np.minimum((done + 1e-9).astype(np.int64), CELLS - 1)
    busy_cell[-1] = CELLS
    return Clock(start_ns, cell_ns, busy_cell, np.interp(every, done, every))


def _pace(activity: Array, runs: Array, is_exact: bool) -> Array:
    """How fast the clock goes in each cell: 1 as usual, `_FASTEST` at most."""
    # A sample is smoothed: over so many cells that each has enough of it.
    count = activity[runs].sum()
    width = 1 if is_exact else int(np.ceil(_ENOUGH * runs.sum() / max(count, 1)))
    width = max(1, min(width, CELLS // 12))
    place = np.cumsum(runs) - 1
    of_running = activity[runs]
    sums = np.concatenate([[0], np.cumsum(of_running)])
    first = np.maximum(np.arange(len(of_running)) - width // 2, 0)
    last = np.minimum(first + width, len(of_running))
    smooth = (sums[last] - sums[first]) / (last - first)
    seen = smooth[smooth > 0]
    usual = float(np.median(seen)) if len(seen) else 1.0
    pace = np.where(runs, np.minimum(smooth[np.maximum(place, 0)] / usual, _FASTEST), 0)
    return pace if pace.any() else runs.astype(np.float64)
