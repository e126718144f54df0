"""The time that growth is measured by: that of the process's life in which it did something.

A program that waits for requests, or for its turn on a busy machine, cannot leak meanwhile. Such a
pause looks as if a leak had stopped. And one that runs on without allocating anything has stopped
leaking, which would look like a pause if only its allocations were counted. So a process has worked
where it allocated, took CPU time, or did a little and went to sleep again, over and over.
"""

from __future__ import annotations

import typing

import numpy as np

Array = typing.Any  # a numpy array

#: Parts that the life of a process is cut into.
CELLS = 480
#: Cohorts of birth, for their survival: equal parts of the process's life.
COHORTS = 12
#: A cell with less than this share of the usual pace is idle.
_IDLE = 0.05
#: So many allocations, or waits, tell how fast a process works.
_ENOUGH = 12
#: The CPU time that a wait stands for.
_WAIT_US = 1000
#: The clock goes as many times faster than usual at most.
_FASTEST = 4


class Clock(typing.NamedTuple):
    """Cells of equal length, and those of busy time. There are `CELLS` of both."""

    edge_ns: Array
    """When each of the former begins, and when the last one ends."""
    busy_cell: Array
    """Cell of busy time that each of the former lies in; `CELLS` is itself."""
    plain_cell: Array
    """Where each cell of busy time begins, in cells of equal length; a fraction."""
    running: Array
    """For how long the process had run, its pauses left out, when each cell of busy time begins; in
    cells of equal length.
    """
    sees_idling: bool
    """Whether it is known that the process did nothing where it allocated nothing."""

    def time_ns(self, cells: Array) -> Array:
        """When each of these cells of busy time begins."""
        edges = np.interp(self.plain_cell[cells], np.arange(CELLS + 1), self.edge_ns)
        return edges.astype(np.int64)


class Work(typing.NamedTuple):
    """What a process did in each cell of equal length."""

    cpu_us: Array
    """CPU time."""
    waits: Array
    """How often its threads went to sleep of their own accord."""


def work_clock(
    activity: Array,
    start_ns: int,
    end_ns: int,
    *,
    is_exact: bool,
    pauses: Array,
    work: Work | None = None,
) -> Clock:
    """The clock of a process that had so many recorded allocations in each cell of equal length.

    It goes with what the process did, where that is less than usual, and with time where it is
    more, as when modules are imported or data is loaded. What it did is told by its allocations and
    by what else is known for each cell, `work`: by that of them which says most. `pauses` are
    times in which the process stood still for the recorder's sake: rows of start and end. They are
    left out. A process that idles for more than half of its life does so as its way of life: there
    the clock goes with time.
    """
    cell_ns = (end_ns - start_ns) / CELLS
    middles = start_ns + (np.arange(CELLS) + 0.5) * cell_ns
    runs = np.ones(CELLS, dtype=bool)
    for pause_start_ns, pause_end_ns in pauses:
        runs &= (middles < pause_start_ns) | (middles > pause_end_ns)
    if not runs.any():
        runs[:] = True
    pace = _pace(activity, runs, is_exact)
    if work is not None:
        pace = np.maximum(pace, _pace_of_work(work, runs))
    if not pace.any() or (pace < _IDLE).sum() > (CELLS + (~runs).sum()) / 2:
        pace = runs.astype(np.float64)
    every = np.arange(CELLS + 1)
    done = np.concatenate([[0], np.cumsum(pace)]) * (CELLS / pace.sum())
    busy_cell = np.minimum((done + 1e-9).astype(np.int64), CELLS - 1)
    busy_cell[-1] = CELLS
    plain_cell = np.interp(every, done, every)
    ran = np.concatenate([[0], np.cumsum(runs)])
    running = np.interp(plain_cell, every, ran)
    edge_ns = start_ns + every * cell_ns
    return Clock(edge_ns, busy_cell, plain_cell, running, work is not None)


def even_clock(edge_ns: Array) -> Clock:
    """The clock of what is done in even steps, such as requests: `edge_ns` as in `Clock`."""
    every = np.arange(CELLS + 1)
    return Clock(edge_ns, every, every, every, sees_idling=True)


def work_in_cells(
    time_ns: Array, cpu_us: Array, waits: Array, start_ns: int, end_ns: int
) -> Work | None:
    """How much was done in each cell of a process's life, from readings of two counters.

    Negative readings are none. None: there are too few.
    """
    known = (cpu_us >= 0) & (waits >= 0)
    if known.sum() < 2:
        return None
    edges = np.linspace(start_ns, max(end_ns, start_ns + CELLS), CELLS + 1)
    return Work(
        *(
            np.maximum(np.diff(np.interp(edges, time_ns[known], counted[known])), 0)
            for counted in (cpu_us, waits)
        )
    )


def _pace_of_work(work: Work, runs: Array) -> Array:
    """That of the CPU time or that of the waits, whichever is greater.

    A program that does a little and sleeps, over and over, works all along, however little it
    computes; one that computes and hardly ever sleeps is idle where it does nothing else. So waits
    count as much as they could matter beside the CPU time.
    """
    share = work.waits.sum() * _WAIT_US / max(work.cpu_us.sum(), 1)
    return np.maximum(
        _pace(work.cpu_us, runs, False), _pace(work.waits, runs, False) * min(share, 1)
    )


def _pace(done: Array, runs: Array, is_exact: bool) -> Array:
    """How fast the process works in each cell, from how much it did: 1 as usual, `_FASTEST` at
    most.
    """
    # What is counted is smoothed: over so many cells that each has enough of it.
    count = done[runs].sum()
    width = 1 if is_exact else int(np.ceil(_ENOUGH * runs.sum() / max(count, 1)))
    width = max(1, min(width, CELLS // 12))
    place = np.cumsum(runs) - 1
    sums = np.concatenate([[0], np.cumsum(done[runs])])
    first = np.maximum(np.arange(len(sums) - 1) - width // 2, 0)
    last = np.minimum(first + width, len(sums) - 1)
    smooth = (sums[last] - sums[first]) / (last - first)
    seen = smooth[smooth > _IDLE * smooth.mean()]
    usual = float(median(seen)) if len(seen) else 1.0
    return np.where(runs, np.minimum(smooth[np.maximum(place, 0)] / usual, _FASTEST), 0)


def median(values: Array) -> Array:
    """Along the last axis, as numpy's own, which loads its masked arrays: that takes longer than a
    judgement.
    """
    ordered = np.sort(values, axis=-1)
    count = ordered.shape[-1]
    return (ordered[..., (count - 1) // 2] + ordered[..., count // 2]) / 2
