"""Whether what waits for the collector has been in use for as long as it grew.

A program that ends lets go of what it held, and what is in a cycle then waits for a collector that
does not come any more: an application that knows its window, which knows the application. That is
no garbage that came together meanwhile.
"""

from __future__ import annotations

import typing

import numpy as np

from memlyze.analyses.references import Holders
from memlyze.query.session import Trace

Array = typing.Any  # a one-dimensional numpy array

_FULL = 2
_MOSTLY = 0.5


def was_in_use(trace: Trace, process_id: int, rows: Array, holders: Holders) -> bool:
    """Whether garbage, these rows of `allocations`, was none while it came together.

    One object holds most of it: whoever put the last into that could reach it. Or most of it
    is older than the last full run of the collector, which would have found it.
    """
    if holders.holder is not None:
        return True
    allocations, runs = trace.table("allocations"), trace.table("gc")
    is_full = (runs["generation"] == _FULL) & (runs["time_ns"] < holders.time_ns)
    if "process_id" in runs:
        is_full &= runs["process_id"] == process_id
    if not is_full.any() or not len(rows):
        return False
    size = allocations["size"][rows].astype(np.float64)
    if "weight" in allocations:
        size = size * allocations["weight"][rows]
    is_older = allocations["time_ns"][rows] < runs["time_ns"][is_full].max()
    return bool(size[is_older].sum() >= _MOSTLY * size.sum())
