"""The readings of the memory clock, of one process or of several together."""

from __future__ import annotations

import typing

import numpy as np

from memlyze.analyses.ended_processes import ended_processes
from memlyze.query.session import Trace

Array = typing.Any  # a one-dimensional numpy array


class Readings(typing.NamedTuple):
    """Readings in the order of their times; each holds until the next."""

    time_ns: Array
    bytes: Array


def readings(trace: Trace, bytes_read: Array, process: int | None) -> Readings:
    """The readings of a process; without one, what all have together.

    `bytes_read` has a value for each row of the table `memory`; where it is negative, nothing is
    known. Processes tick at times of their own: a reading counts until the next one of its process,
    or until that ends, so that what is added up was there at one moment.
    """
    memory = trace.table("memory")
    is_known = bytes_read >= 0
    times, bytes_read = memory["time_ns"][is_known], bytes_read[is_known]
    if "process_id" not in memory:
        return Readings(times, bytes_read)
    process_ids = memory["process_id"][is_known]
    if process is not None:
        own = process_ids == process
        return Readings(times[own], bytes_read[own])
    ends = ended_processes(trace)
    moments, changes = [], []
    for number in trace.process_ids:
        own = process_ids == number
        of_process = bytes_read[own].astype(np.float64)
        moments.append(times[own])
        changes.append(np.diff(of_process, prepend=0.0))
        if number in ends and len(of_process):
            moments.append([max(ends[number], int(times[own][-1]))])
            changes.append([-of_process[-1]])
    every = np.concatenate(moments)
    order = np.argsort(every, kind="stable")
    every, together = every[order], np.cumsum(np.concatenate(changes)[order])
    is_last = np.append(np.diff(every) > 0, True)[: len(every)]  # of those at one moment
    return Readings(every[is_last], together[is_last])
