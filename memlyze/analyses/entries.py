"""Into which objects what a program left came entry by entry: then it is these which grew, and not
what is in them.
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
#: So many of the objects are to be of such entries: beside them there may be what links them all,
#: as the list of an `lru_cache`. Of one entry alone in which nearly all are it is this that grew.
_MANY = 0.4
_NEARLY_ALL = 0.9
_MOST_STEPS = 10_000
#: So many steps below an object the tables may be that grow by what it holds: those of the
#: attributes of its entries.
_MOST_LEVELS = 6


def are_entries(trace: Trace, parents: Array, holder_row: int, rows: Array) -> bool:
    """Whether what the objects at `rows` of the heap graph belong to, directly below the holder,
    are several entries, each of which was written at once.

    `parents` are what is above each object: what dominates it, or what holds it on a shortest way.
    """
    ways = _ways_down(parents, holder_row, rows)
    return _is_written_once(_births(trace, rows), [way[1] if way else -1 for way in ways])


def grown_by(trace: Trace, parents: Array, top_row: int, rows: Array) -> list[int]:
    """The objects at or below `top_row` that have grown by those at `rows`, entry by entry: that
    one itself, or several alike, as the lists of each of its entries. None where there are none, or
    about as many as what they hold.
    """
    ways = _ways_down(parents, top_row, rows)
    known = [number for number, way in enumerate(ways) if way]
    births = _births(trace, rows)
    for level in range(_MOST_LEVELS):
        deep = [number for number in known if len(ways[number]) > level + 1]
        if not deep or len(deep) < _NEARLY_ALL * len(known):
            return []
        if _is_written_once(births[deep], [ways[number][level + 1] for number in deep]):
            tables = {ways[number][level] for number in deep}
            return sorted(tables) if 2 * len(tables) <= len(deep) else []
    return []


def _births(trace: Trace, rows: Array) -> Array:
    objects = trace.heap_graph.objects()
    return np.maximum(objects["allocation_id"][rows], objects["buffer_allocation_id"][rows])


def _ways_down(parents: Array, top_row: int, rows: Array) -> list[list[int]]:
    """The way from the top down to each object, both included; empty: it is not below."""
    ways = []
    for row in rows.tolist():
        way = [row]
        while way[-1] >= 0 and way[-1] != top_row and len(way) < _MOST_STEPS:
            way.append(int(parents[way[-1]]))
        is_below = way[-1] == top_row and len(way) > 1
        ways.append(way[::-1] if is_below else [])
    return ways


def _is_written_once(births: Array, entries: list[int]) -> bool:
    """Whether the objects born so are of several entries (−1: of none), and those of one about as
    old.
    """
    of_entry: dict[int, list[int]] = collections.defaultdict(list)
    for birth, entry in zip(births.tolist(), entries):
        if entry >= 0:
            of_entry[entry].append(birth)
    if len(of_entry) < 2:
        return False
    longest = _AT_ONCE * int(births.max() - births.min())
    at_once = [of_one for of_one in of_entry.values() if max(of_one) - min(of_one) <= longest]
    return sum(map(len, at_once)) >= _MANY * sum(map(len, of_entry.values()))
