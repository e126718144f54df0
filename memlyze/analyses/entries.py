"""Whether what an object holds came into it entry by entry: then it is that object which grew, and
not what is in it.
"""

from __future__ import annotations

import collections
import typing

import numpy as np

from memlyze.query.session import Trace

Array = typing.Any  # a one-dimensional numpy array

#: An entry is written once: its objects were born within this share of the whole time, counted in
#: allocations.
_AT_ONCE = 0.1
_MOST_STEPS = 10_000


def are_entries(trace: Trace, parents: Array, holder_row: int, rows: Array) -> bool:
    """Whether what the objects at `rows` of the heap graph belong to, directly below the holder,
    are several entries, each of which was written at once.

    `parents` are what is above each object: what dominates it, or what holds it on a shortest way.
    """
    objects = trace.heap_graph.objects()
    births = np.maximum(objects["allocation_id"][rows], objects["buffer_allocation_id"][rows])
    of_entry: dict[int, list[int]] = collections.defaultdict(list)
    for row, birth in zip(rows.tolist(), births.tolist()):
        entry, above, steps = row, int(parents[row]), 0
        while above >= 0 and above != holder_row and steps < _MOST_STEPS:
            entry, above, steps = above, int(parents[above]), steps + 1
        if above == holder_row:
            of_entry[entry].append(birth)
    if len(of_entry) < 2:
        return False
    spans = [max(of_one) - min(of_one) for of_one in of_entry.values()]
    return float(np.median(spans)) <= _AT_ONCE * int(births.max() - births.min())
