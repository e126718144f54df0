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
#: Where as many are recorded in a usual cell, one without any is idle.
_DENSE = 20


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


def busy_clock(
    activity: Array, start_ns: int, end_ns: int, *, is_exact: bool, pauses: Array
) -> Clock:
    """The clock of a process that had so many recorded allocations in each cell of equal length.

    `pauses` are times in which it stood still for the recorder's sake: rows of start and end. They
    are left out, and so are cells in which it idled; save where it idled for more than half of its
    life, which is its way of life. Where few allocations are recorded, a cell without one is no
    pause, and only the end is cut.
    """
    cell_ns = (end_ns - start_ns) / CELLS
    middles = start_ns + (np.arange(CELLS) + 0.5) * cell_ns
    runs = np.ones(CELLS, dtype=bool)
    for pause_start_ns, pause_end_ns in pauses:
        runs &= (middles < pause_start_ns) | (middles > pause_end_ns)
    if not runs.any():
        runs[:] = True
    seen = activity[runs & (activity > 0)]
    usual = float(np.median(seen)) if len(seen) else 0.0
    is_busy = runs & (activity >= max(_IDLE * usual, 1))
    if not is_exact and usual < _DENSE and is_busy.any():
        is_busy = runs & (np.arange(CELLS) <= np.flatnonzero(is_busy)[-1])
    kept = is_busy if is_busy.sum() >= runs.sum() / 2 else runs
    every = np.arange(CELLS + 1)
    done = np.concatenate([[0], np.cumsum(kept)]) * (CELLS / kept.sum())
    busy_cell = np.minimum((done + 1e-9).astype(np.int64), CELLS - 1)
    busy_cell[-1] = CELLS
    return Clock(start_ns, cell_ns, busy_cell, np.interp(every, done, every))
