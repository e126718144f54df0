"""Which objects have grown by what a site left behind, entry by entry: one that retains it, or
several that each have it, as a table and a list of what was used last.
"""

from __future__ import annotations

import collections
import itertools
import math
import typing

import numpy as np

from memlyze.analyses.chains import Speller
from memlyze.analyses.entries import are_entries, grown_by
from memlyze.query.heap_graph import HELD_BY_NOBODY
from memlyze.query.session import Trace

Array = typing.Any  # a one-dimensional numpy array
Ways = typing.Mapping[str, Array]

#: So many objects stand for all of a site.
MOST_LOOKED_AT = 400
NEARLY_ALL = 0.9
_HARDLY_ANY = 0.1
_MOST = 0.5
#: Of one that has what others have, too, so much is told.
_SOME = 0.2
#: So much of all it has in common with the first, or has not the same.
_LEAST_IN_COMMON = 0.15
_MOST_STEPS = 10_000
_MOST_CONTAINERS = 4
#: The ways without what was found are made anew each time; of so many objects in all.
_MOST_OBJECTS_OF_WAYS = 30_000_000
#: And so many objects' ways are kept, beside the last ones.
_MOST_OBJECTS_KEPT = 6_000_000


class Container(typing.NamedTuple):
    """Of several objects that have what was asked for in them one, or some that are alike."""

    object_id: int | None
    """As in the view `objects`; None: they are several alike."""
    objects: int
    """How many; of several alike, those that were seen."""
    text: str
    """The shortest chain that leads to it through none of those before it; of several alike without
    what differs.
    """
    type: str
    share: float
    """Of the objects that were looked at, those that are in it."""

    @property
    def identity(self) -> int | str:
        """What tells it from others of the same heap."""
        return self.text if self.object_id is None else self.object_id


class Containers(typing.NamedTuple):
    """The objects that have grown by what was asked for."""

    row: int | None
    """The one that retains it, or else the only one that was found; None: there is none."""
    shared: tuple[Container, ...]
    """Where several have it: each, the closest to a root first. One that stands for several alike,
    each of which has a part, may be alone.
    """
    are_all: bool
    """Whether nearly all of what is in the first would go if all of `shared` let go."""
    freed_bytes: int
    """What would go then; 0 where they are not all."""


class _Tables(typing.NamedTuple):
    """An object, or several that are alike, that have grown by what was asked for."""

    rows: list[int]
    inside: Array
    """Which of the objects that are looked at lie below on the shortest ways."""
    speller: Speller
    """Of the ways on which it was found."""


class ContainerFinder:
    """Finds them in the heap graph of a trace."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._speller: Speller | None = None
        self._without: collections.OrderedDict[tuple[int, ...], tuple[Ways, Speller]]
        self._without = collections.OrderedDict()
        self._objects_left = _MOST_OBJECTS_OF_WAYS

    @property
    def speller(self) -> Speller:
        """Spells the ways to the objects of the graph as it is."""
        if self._speller is None:
            self._speller = Speller(self._trace)
        return self._speller

    def containers(self, rows: Array, retaining_row: int | None, share: float) -> Containers:
        """The objects that have grown by those at `rows`, of which one may retain such a share."""
        if retaining_row is not None and not self._retains_entries(retaining_row, rows):
            retaining_row = None
        found: list[_Tables] = []
        while True:
            left_out = _rows_of(found)
            if not self._can_leave_out(left_out):
                break
            ways, speller = self._ways_without(left_out)
            held = rows[ways["root"][rows] != HELD_BY_NOBODY]
            if len(found) == _MOST_CONTAINERS:
                break
            least = _SOME if found else _MOST
            tables = self._grown_by(ways, speller, held, len(rows), least=least)
            if not tables or (not found and tables == [retaining_row] and share >= NEARLY_ALL):
                break
            inside = are_below(ways["holder_row"], tables, rows)
            # What others have beside it, each a part, nobody has at once.
            if found and (inside & found[0].inside).mean() < _LEAST_IN_COMMON:
                break
            found.append(_Tables(tables, inside, speller))
        if not found or (len(found) == 1 and len(found[0].rows) == 1):
            only_row = found[0].rows[0] if found else None
            return Containers(only_row if retaining_row is None else retaining_row, (), False, 0)
        are_all = float(np.isin(rows[found[0].inside], held).mean()) < _HARDLY_ANY
        return Containers(
            retaining_row,
            tuple(self._container(one, self._share(one, found, rows)) for one in found),
            are_all,
            self._freed_bytes(ways) if are_all else 0,
        )

    def _share(self, one: _Tables, found: list[_Tables], rows: Array) -> float:
        """Of the objects at `rows` those that these have, whoever else has them, too."""
        share = float(one.inside.mean())
        others = _rows_of(other for other in found if other is not one)
        if share < NEARLY_ALL and self._can_leave_out(others):
            # Of ways that are as short only one is known.
            ways, _ = self._ways_without(others)
            share = float(are_below(ways["holder_row"], one.rows, rows).mean())
        return share

    def _grown_by(
        self, ways: Ways, speller: Speller, held: Array, count: int, *, least: float
    ) -> list[int]:
        """The objects that have grown by nearly all of what is held, or else by more than the
        `least` share of so many, on these ways.
        """
        for enough in (NEARLY_ALL, least):
            top, _ = nearest_above(
                ways["holder_row"],
                held,
                count,
                ways["distance"],
                speller.is_namespace,
                enough=enough,
                least=least,
            )
            tables = [] if top is None else grown_by(self._trace, ways["holder_row"], top, held)
            if len(tables) > 1:
                tables = _most_alike(ways["holder_row"], tables, held, speller)
            if tables:
                return tables
        return []

    def _container(self, found: _Tables, share: float) -> Container:
        row, speller = found.rows[0], found.speller
        kind = speller.type_name(row)
        if len(found.rows) > 1:
            return Container(None, len(found.rows), speller.way(row).pattern, kind, share)
        object_id = int(self._trace.heap_graph.objects()["object_id"][row])
        return Container(object_id, 1, speller.way(row).text, kind, share)

    def _retains_entries(self, row: int, rows: Array) -> bool:
        dominators = self._trace.heap_graph.tree()["dominator_row"]
        return are_entries(self._trace, dominators, row, rows)

    def _freed_bytes(self, ways: Ways) -> int:
        graph = self._trace.heap_graph
        was_held = graph.tree()["root"] != HELD_BY_NOBODY
        goes = was_held & (ways["root"] == HELD_BY_NOBODY)
        return int(graph.objects()["size"][goes].sum())

    def _can_leave_out(self, rows: tuple[int, ...]) -> bool:
        """Whether the ways without these objects are known, or may be made still."""
        if rows in self._without or not rows:
            return True
        self._objects_left -= len(self._trace.heap_graph.objects()["object_id"])
        return self._objects_left >= 0

    def _ways_without(self, rows: tuple[int, ...]) -> tuple[Ways, Speller]:
        graph = self._trace.heap_graph
        if not rows:
            return graph.tree(), self.speller
        if rows not in self._without:
            count = len(graph.objects()["object_id"])
            while self._without and len(self._without) * count >= _MOST_OBJECTS_KEPT:
                self._without.popitem(last=False)
            ways = graph.ways_without(rows)
            self._without[rows] = ways, self.speller.on_ways(ways)
        self._without.move_to_end(rows)
        return self._without[rows]


def _rows_of(found: typing.Iterable[_Tables]) -> tuple[int, ...]:
    return tuple(sorted(itertools.chain(*(one.rows for one in found))))


def _most_alike(parents: Array, tables: list[int], held: Array, speller: Speller) -> list[int]:
    """Those of the tables that are held alike, of which most of what is held is below."""
    alike: dict[str, list[int]] = collections.defaultdict(list)
    for row in tables:
        alike[speller.way(row).pattern].append(row)
    return max(alike.values(), key=lambda rows: int(are_below(parents, rows, held).sum()))


def are_below(parents: Array, tops: typing.Collection[int], rows: Array) -> Array:
    """Which of the objects at `rows` have one of `tops` above them."""
    at, are = rows, np.zeros(len(rows), bool)
    for _ in range(_MOST_STEPS):
        at = np.where((at >= 0) & ~are, parents[at], -1)
        are |= np.isin(at, list(tops))
        if not (at >= 0).any():
            break
    return are


def nearest_above(
    parents: Array,
    rows: Array,
    count: int,
    nearness: Array,
    is_namespace: typing.Callable[[int], bool],
    *,
    enough: float = NEARLY_ALL,
    least: float = _MOST,
) -> tuple[int | None, float]:
    """The nearest object that is above the `enough` share of `count`, itself perhaps among `rows`,
    or else the nearest of those that are above as many as any, if these are more than the `least`
    share; no module and no module's namespace, in which nearly everything is. And the share of
    `count` that is below it.
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
    enough_count = min(enough * count, most)
    # Where not all objects are looked at, one that has half of them may have more of these.
    chance = 0.5 / math.sqrt(count) if count >= MOST_LOOKED_AT else 0.0
    least_count = (least + chance) * count
    enough_count = max(enough_count, least_count)
    if most <= least_count:
        return None, 0.0
    as_many = itertools.takewhile(lambda k: counts[k] >= enough_count, most_first)
    candidates = [k for k in as_many if not is_namespace(int(objects[k]))]
    place = max(candidates, key=lambda k: nearness[objects[k]])
    return int(objects[place]), float(counts[place]) / count
