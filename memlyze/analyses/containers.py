"""Which objects have grown by what a site left behind, entry by entry: one that retains it, or
several that each have it, as a table and a list of what was used last.
"""

from __future__ import annotations

import itertools
import math
import typing

import numpy as np

from memlyze.analyses.chains import Speller
from memlyze.analyses.entries import are_entries
from memlyze.query.heap_graph import HELD_BY_NOBODY
from memlyze.query.session import Trace

Array = typing.Any  # a one-dimensional numpy array
Ways = typing.Mapping[str, Array]

#: So many objects stand for all of a site.
MOST_LOOKED_AT = 400
NEARLY_ALL = 0.9
_HARDLY_ANY = 0.1
_MOST = 0.5
_MOST_STEPS = 10_000
_MOST_CONTAINERS = 4


class Container(typing.NamedTuple):
    """One of several objects that have what was asked for in them."""

    object_id: int
    """As in the view `objects`."""
    text: str
    """The shortest chain that leads to it through none of those before it."""
    type: str
    share: float
    """Of the objects that were looked at, those that are in it."""


class Containers(typing.NamedTuple):
    """The objects that have grown by what was asked for."""

    first_row: int | None
    """The one that retains it, or else the first of `shared`, or the only one that was found; None:
    there is none.
    """
    shared: tuple[Container, ...]
    """Where several have it: each, the closest to a root first."""
    are_all: bool
    """Whether nearly all of what is in the first would go if all of `shared` let go."""


class ContainerFinder:
    """Finds them in the heap graph of a trace."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._without: dict[tuple[int, ...], tuple[Ways, Speller]] = {}

    @property
    def speller(self) -> Speller:
        """Spells the ways to the objects of the graph as it is."""
        return self._ways_without(())[1]

    def containers(self, rows: Array, retaining_row: int | None) -> Containers:
        """The objects that have grown by those at `rows`, of which one may retain most."""
        found: list[tuple[int, Container]] = []
        in_first = rows[:0]
        while True:
            ways, speller = self._ways_without(tuple(row for row, _ in found))
            held = rows[ways["root"][rows] != HELD_BY_NOBODY]
            row, share = nearest_above(
                ways["holder_row"], held, len(rows), ways["distance"], speller.is_namespace
            )
            if row is None or row == retaining_row or len(found) == _MOST_CONTAINERS:
                break
            if not are_entries(self._trace, ways["holder_row"], row, held):
                break
            if not found:
                in_first = rows[are_below(ways["holder_row"], row, rows)]
            object_id = int(self._trace.heap_graph.objects()["object_id"][row])
            text, kind = speller.way(row).text, speller.type_name(row)
            found.append((row, Container(object_id, text, kind, share)))
        shared = tuple(container for _, container in found) if len(found) > 1 else ()
        still_held = float(np.isin(in_first, held).mean()) if shared else 1.0
        first_row = found[0][0] if found else None
        if self._retains_entries(retaining_row, rows):
            first_row = retaining_row
        return Containers(first_row, shared, are_all=still_held < _HARDLY_ANY)

    def _retains_entries(self, row: int | None, rows: Array) -> bool:
        dominators = self._trace.heap_graph.tree()["dominator_row"]
        return row is not None and are_entries(self._trace, dominators, row, rows)

    def _ways_without(self, rows: tuple[int, ...]) -> tuple[Ways, Speller]:
        if rows not in self._without:
            graph = self._trace.heap_graph
            ways = graph.ways_without(rows) if rows else graph.tree()
            self._without[rows] = ways, Speller(self._trace, ways)
        return self._without[rows]


def are_below(parents: Array, row: int, rows: Array) -> Array:
    """Which of the objects at `rows` have that one above them."""
    at, are = rows, np.zeros(len(rows), bool)
    for _ in range(_MOST_STEPS):
        at = np.where((at >= 0) & ~are, parents[at], -1)
        are |= at == row
        if not (at >= 0).any():
            break
    return are


def nearest_above(
    parents: Array,
    rows: Array,
    count: int,
    nearness: Array,
    is_namespace: typing.Callable[[int], bool],
) -> tuple[int | None, float]:
    """The nearest object that is above nearly all of `rows`, itself perhaps among them, or else the
    nearest of those that are above as many as any, if these are most of `count`; no module and no
    module's namespace, in which nearly everything is. And the share of `count` that is below it.
    """
    at = rows
    met: list[Array] = []
    while len(at) and len(met) < _MOST_STEPS:
        met.append(at)
        above = parents[at]
        at = above[above >= 0]
    if not met:
        return None, 0.0
    objects, counts = np.unique(np.concatenate(met), return_counts=True)
    most_first = np.argsort(-counts, kind="stable").tolist()
    most = next((counts[k] for k in most_first if not is_namespace(int(objects[k]))), 0)
    least = min(NEARLY_ALL * count, most)
    # Where not all objects are looked at, one that has half of them may have more of these.
    chance = 0.5 / math.sqrt(count) if count >= MOST_LOOKED_AT else 0.0
    if least <= (_MOST + chance) * count:
        return None, 0.0
    as_many = itertools.takewhile(lambda k: counts[k] >= least, most_first)
    enough = [k for k in as_many if not is_namespace(int(objects[k]))]
    place = max(enough, key=lambda k: nearness[objects[k]])
    return int(objects[place]), float(counts[place]) / count
