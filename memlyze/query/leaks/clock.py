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
    end: int
    """Cell of busy time after the last in which anything happened."""

    def cells(self, plain: Array) -> Array:
        """Cells of busy time, from those of equal length."""
        return self.busy_cell[plain.astype(np.int64)]

    def time_ns(self, cells: Array) -> Array:
        """When each of these cells of busy time begins."""
        return (self.start_ns + self.plain_cell[cells] * self.cell_ns).astype(np.int64)


def busy_clock(activity: Array, start_ns: int, end_ns: int, *, is_exact: bool) -> Clock:
    """The clock of a process that had so many recorded allocations in each cell of equal length.

    Where it idled for more than half of its life, that is its way of life, and nothing is left out.
    Nor where few allocations are recorded, save at the end: then a cell without one is no pause.
    """
    cell_ns = (end_ns - start_ns) / CELLS
    every = np.arange(CELLS + 1)
    busy = activity[activity > 0]
    usual = float(np.median(busy)) if len(busy) else 0.0
    is_busy = activity >= _IDLE * usual
    if not is_busy.any() or not usual:
        return Clock(start_ns, cell_ns, every, every.astype(float), CELLS)
    end = int(np.flatnonzero(is_busy)[-1]) + 1
    if not is_exact and usual < _DENSE:
        end = end if end >= CELLS // 2 else CELLS
        return Clock(start_ns, cell_ns, every, every.astype(float), end)
    if is_busy.sum() < CELLS // 2:
        return Clock(start_ns, cell_ns, every, every.astype(float), CELLS)
    done = np.concatenate([[0], np.cumsum(is_busy)]) * (CELLS / is_busy.sum())
    busy_cell = np.minimum(done.astype(np.int64), CELLS - 1)
    busy_cell[-1] = CELLS
    plain_cell = np.interp(every, done, every)
    return Clock(start_ns, cell_ns, busy_cell, plain_cell, CELLS)
