"""The readings of the memory clock with what of each is the program's: the private table beneath
the view `memory`.
"""

from __future__ import annotations

import typing

import numpy as np

Array = typing.Any  # a one-dimensional numpy array
Columns = typing.Mapping[str, Array]

#: Instead of a size that the system did not tell.
NOT_KNOWN: typing.Final = -1
_RECORDERS_OWN = "tracer"  # the category of resident memory


def memory_readings(memory: Columns, resident: Columns) -> dict[str, Array]:
    """The table `memory` with the column `program_rss`: resident without what the recorder holds.

    That need not all be resident, above all what it holds for a heap graph, so that the difference
    may be too little. A snapshot of the resident memory, of the table `resident`, tells more. It is
    taken at a tick: the greater of both is what was resident then, so that no snapshot is above
    the peak. Where neither tells, as without /proc, `rss` is 0 and `program_rss` is NOT_KNOWN.
    """
    rss = memory["rss"].copy()
    program_rss = np.where(rss > 0, np.maximum(rss - memory["tracer_bytes"], 0), NOT_KNOWN)
    for ticks, snapshots in _of_each_process(memory, resident):
        if not len(ticks) or not len(snapshots):
            continue
        times_ns, of_row = np.unique(resident["time_ns"][snapshots], return_inverse=True)
        # Where the tick itself was lost, the last one before is what is known of that time.
        before = memory["time_ns"][ticks].searchsorted(times_ns, side="right") - 1
        at = ticks[np.maximum(before, 0)]
        of_program = resident["category"][snapshots] != _RECORDERS_OWN
        parts = resident["resident_bytes"][snapshots]
        for whole, chosen in ((rss, slice(None)), (program_rss, of_program)):
            sums = np.zeros(len(times_ns), np.int64)
            np.add.at(sums, of_row[chosen], parts[chosen])
            np.maximum.at(whole, at, sums)
    return {**memory, "rss": rss, "program_rss": program_rss}


def _of_each_process(memory: Columns, resident: Columns) -> typing.Iterator[tuple[Array, Array]]:
    """The rows of each process in both tables."""
    if "process_id" not in memory:
        yield np.arange(len(memory["time_ns"])), np.arange(len(resident["time_ns"]))
        return
    for process_id in np.unique(memory["process_id"]):
        of_process = [
            np.flatnonzero(table["process_id"] == process_id) for table in (memory, resident)
        ]
        yield of_process[0], of_process[1]
