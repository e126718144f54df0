"""Shortest ways and dominators are those that one finds by trying."""

from __future__ import annotations

import random

import numpy as np
import pytest

from memlyze._speedups import _object_tree
from memlyze.query.heap_graph import HELD_BY_NOBODY, HELD_BY_UNSEEN


class Graph:
    """A small random graph; object k takes 10^k mod 997 bytes."""

    def __init__(self, seed: int) -> None:
        draw = random.Random(seed)
        self.count = draw.randint(1, 11)
        self.edges = [
            sorted(draw.choices(range(self.count), k=draw.randint(0, 3))) for _ in range(self.count)
        ]
        self.types = [draw.choice([-1, -1, draw.randrange(self.count)]) for _ in range(self.count)]
        self.roots = draw.sample(range(self.count), k=draw.randint(0, min(3, self.count)))
        self.levels = [draw.choice([0, 0, 1, 2]) for _ in self.roots]
        self.unseen = [draw.random() < 0.2 for _ in range(self.count)]
        self.sizes = [pow(10, k, 997) for k in range(self.count)]

    def tree(self) -> dict[str, list[int]]:
        first = np.cumsum([0, *map(len, self.edges)], dtype=np.int64)
        columns = _object_tree.make_object_tree(
            first,
            np.array([to for edges in self.edges for to in edges], np.int32),
            np.array(self.types, np.int32),
            np.array(self.sizes, np.int64),
            np.array(self.unseen, np.uint8),
            np.array(self.roots, np.int32),
            np.array(self.levels, np.int32),
        )
        return {name: column.tolist() for name, column in columns.items()}

    def ways_without(self, left_out: int) -> dict[str, list[int]]:
        columns = _object_tree.make_shortest_ways(
            np.cumsum([0, *map(len, self.edges)], dtype=np.int64),
            np.array([to for edges in self.edges for to in edges], np.int32),
            np.array(self.types, np.int32),
            np.array(self.unseen, np.uint8),
            np.array([k == left_out for k in range(self.count)], np.uint8),
            np.array(self.roots, np.int32),
            np.array(self.levels, np.int32),
        )
        return {name: column.tolist() for name, column in columns.items()}

    def after(self, k: int) -> list[int]:
        return [to for to in [*self.edges[k], self.types[k]] if to >= 0]

    def reached(self, starts: list[int], without: int = -1) -> set[int]:
        found, left = set(), [k for k in starts if k != without]
        while left:
            k = left.pop()
            if k not in found:
                found.add(k)
                left += [to for to in self.after(k) if to != without]
        return found

    def distances(self) -> dict[int, int]:
        best = {}
        for root, level in zip(self.roots, self.levels):
            best[root] = min(level, best.get(root, level))
        for _ in range(self.count):
            for k in list(best):
                for to in self.after(k):
                    best[to] = min(best.get(to, 99), best[k] + 1)
        return best


@pytest.mark.parametrize("seed", range(200))
def test_trees_are_those_that_one_finds_by_trying(seed: int) -> None:
    graph = Graph(seed)
    tree = graph.tree()
    distances = graph.distances()
    starts = list(graph.roots)
    for k in range(graph.count):
        if k in distances:
            assert tree["distance"][k] == distances[k]
            assert tree["root"][k] >= 0
        elif tree["holder"][k] < 0:
            assert tree["root"][k] == (HELD_BY_UNSEEN if graph.unseen[k] else HELD_BY_NOBODY)
            starts.append(k)
        if tree["holder"][k] >= 0:
            assert k in graph.after(tree["holder"][k])
            assert tree["distance"][k] == tree["distance"][tree["holder"][k]] + 1
    everything = set(range(graph.count))
    assert graph.reached(starts) == everything
    for k in range(graph.count):
        gone = everything - graph.reached(starts, without=k)
        assert tree["retained"][k] == sum(graph.sizes[each] for each in gone)
        others = {each for each in everything - {k} if k not in graph.reached(starts, without=each)}
        dominator = tree["dominator"][k]
        assert (dominator in others) if others else (dominator == -1)


@pytest.mark.parametrize("seed", range(100))
def test_ways_without_an_object_are_those_of_a_graph_that_has_it_not(seed: int) -> None:
    graph = Graph(seed)
    without = seed % graph.count
    ways = graph.ways_without(without)
    assert ways["holder"][without] == -1
    reached = graph.reached(graph.roots, without)
    for k in range(graph.count):
        assert (ways["root"][k] >= 0) == (k in reached)
        assert ways["holder"][k] != without


def test_outermost_are_those_that_go_with_no_other() -> None:
    #        0 ─ 1 ─ 2    3 ─ 4    5
    dominator = np.array([-1, 0, 1, -1, 3, -1], np.int32)
    chosen = np.array([0, 1, 1, 0, 1, 1], np.uint8)
    _object_tree.outermost(dominator, chosen)
    assert chosen.tolist() == [0, 1, 0, 0, 1, 1]


def test_columns_that_do_not_fit_are_refused() -> None:
    good = [
        np.array([0, 1], np.int64),
        np.array([0], np.int32),
        np.array([-1], np.int32),
        np.array([8], np.int64),
        np.array([0], np.uint8),
        np.array([0], np.int32),
        np.array([0], np.int32),
    ]
    _object_tree.make_object_tree(*good)
    for place, bad in ((0, [0, 2]), (1, [1]), (2, [1]), (5, [1]), (6, [-1])):
        columns = list(good)
        columns[place] = np.array(bad, good[place].dtype)
        with pytest.raises(ValueError, match=r"fit together|order|nowhere|nothing"):
            _object_tree.make_object_tree(*columns)
        columns[3:5] = [columns[4], np.zeros(1, np.uint8)]
        with pytest.raises(ValueError, match=r"fit together|order|nowhere|nothing"):
            _object_tree.make_shortest_ways(*columns)
