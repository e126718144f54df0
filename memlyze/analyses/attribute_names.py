"""Whether what a site keeps are names of attributes that only CPython's cache of these held.

`getattr(visitor, "visit_" + name)` makes a name that goes at once, unless the cache, which finds
attributes by the addresses of their names, has it: until another name falls on its place. Recorded
allocations are set apart, at addresses where few others lie, so that of these many stay where of
all names hardly any does: it looks like a leak. A checkpoint empties the cache, while the program
stands still.
"""

from __future__ import annotations

import typing

import numpy as np

from memlyze.analyses.call_stacks import rows_live_at
from memlyze.query.session import Trace

_MOST = 0.75
_MARGIN_NS = 2_000_000  # events carry a coarse clock


def are_let_go_by_checkpoint(
    trace: Trace, stack_ids: typing.Collection[int], moment_ns: int
) -> bool:
    """Whether most of what these call stacks had at a moment was freed while a checkpoint was
    taken.
    """
    allocations, checkpoints = trace.table("allocations"), trace.table("checkpoints")
    rows = rows_live_at(trace, stack_ids, moment_ns)
    freed = allocations["freed_ns"][rows]
    size = allocations["size"][rows] * (
        allocations["weight"][rows] if "weight" in allocations else 1.0
    )
    is_let_go = np.zeros(len(rows), bool)
    for start_ns, pause_ns in zip(checkpoints["time_ns"], checkpoints["pause_ns"]):
        is_let_go |= (freed >= start_ns) & (freed <= start_ns + pause_ns + _MARGIN_NS)
    return bool(len(rows) and size[is_let_go].sum() >= _MOST * size.sum())
