"""Merges call stacks into a tree, from the outermost frame inwards or the other way round.

All of it is done on columns, a level of the tree at a time: a trace may have half a million stacks,
and stacks a thousand frames.
"""

from __future__ import annotations

import typing

import numpy as np

Array = typing.Any  # a one-dimensional numpy array
#: The parent of a tree's root.
NO_NODE = -1


class Stacks(typing.NamedTuple):
    """The stacks of a trace, a row each."""

    parents: Array
    """Row of the caller's stack; −1: there is none."""
    depths: Array
    """How many frames it has."""
    keys: Array
    """Number of its innermost frame, among those that are to be told apart."""


class Tree(typing.NamedTuple):
    """A tree whose nodes stand level by level, so that parents come before their children."""

    parents: Array
    """Row of the parent; −1 for the root, which is row 0."""
    keys: Array
    """What the node stands for: a number of `Stacks.keys`, or a group; −1 for the root."""
    totals: Array
    """For each of the columns that were given, the sum over the node and all beneath it."""
    own: Array
    """Of `totals`, what does not go on into a child."""


def tree_from_root(stacks: Stacks, rows: Array, groups: Array | None, values: Array) -> Tree:
    """The tree whose first level is the outermost frames.

    `rows` are the stacks that have values, `groups` what is to stand above each as a level of its
    own (a key; None: no such level), and `values` a row of figures for each of `rows`.
    """
    builder = _Builder(values.shape[1])
    starts = builder.start(groups, values)
    # A stack beneath two groups is two places of the tree.
    count = max(len(stacks.parents), 1)
    places = starts * count + rows
    depths = stacks.depths[rows]
    order = np.argsort(depths, kind="stable")
    deepest = int(depths.max(initial=0))
    bounds = np.searchsorted(depths[order], np.arange(deepest + 2))

    levels: list[Array] = []
    above = np.empty(0, dtype=np.int64)  # callers of the stacks of the level below
    for depth in range(deepest, 0, -1):
        own = places[order[bounds[depth] : bounds[depth + 1]]]
        here = np.unique(np.concatenate([own, above]))
        levels.append(here)
        start, row = np.divmod(here, count)
        parent = stacks.parents[row]
        above = np.unique(start[parent >= 0] * count + parent[parent >= 0])

    nodes_above, places_above = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    for depth, here in zip(range(1, deepest + 1), reversed(levels)):
        start, row = np.divmod(here, count)
        parent = stacks.parents[row]
        parent_nodes = start.copy()
        has_parent = parent >= 0
        found = np.searchsorted(places_above, start[has_parent] * count + parent[has_parent])
        parent_nodes[has_parent] = nodes_above[found]
        nodes = builder.children(parent_nodes, stacks.keys[row])
        own_items = order[bounds[depth] : bounds[depth + 1]]
        own_nodes = nodes[np.searchsorted(here, places[own_items])]
        builder.add_own(own_nodes, values[own_items])
        nodes_above, places_above = nodes, here
    return builder.tree()


def tree_from_leaves(
    stacks: Stacks, rows: Array, groups: Array | None, values: Array, sizes: Array, *, count: int
) -> Tree:
    """The inverted tree: its first level is the innermost frames, and beneath each its callers.

    Only nodes that may be among the `count` greatest, by the sum of `sizes`, are followed further.
    """
    builder = _Builder(values.shape[1])
    nodes = builder.start(groups, values)
    rows = np.asarray(rows)
    top = np.empty(0)  # sizes of the greatest nodes so far
    while len(rows):
        nodes = builder.children(nodes, stacks.keys[rows])
        place = np.unique(nodes, return_inverse=True)[1].reshape(-1)
        here_sizes = np.bincount(place, weights=sizes)
        top = np.sort(np.concatenate([top, here_sizes]))[-count:]
        rows = stacks.parents[rows]
        goes_on = rows >= 0
        if len(top) == count:
            goes_on &= here_sizes[place] >= top[0]
        builder.add_own(nodes[~goes_on], values[~goes_on])
        rows, nodes = rows[goes_on], nodes[goes_on]
        values, sizes = values[goes_on], sizes[goes_on]
    return builder.tree()


def greatest(sizes: Array, count: int) -> Array:
    """Which `count` are the greatest, the first among equals: a boolean for each.

    Of a tree's nodes, where none is greater than its parent, none is chosen without its parent.
    """
    kept = np.zeros(len(sizes), dtype=bool)
    kept[np.argsort(-sizes, kind="stable")[:count]] = True
    return kept


class _Builder:
    def __init__(self, columns: int) -> None:
        self._parents: list[Array] = [np.array([NO_NODE])]
        self._keys: list[Array] = [np.array([-1])]
        self._own: list[tuple[Array, Array]] = []
        self._columns = columns
        self._count = 1

    def start(self, groups: Array | None, values: Array) -> Array:
        """The node that each item starts from: the root, or that of its group."""
        roots = np.zeros(len(values), dtype=np.int64)
        return roots if groups is None else self.children(roots, groups)

    def children(self, parents: Array, keys: Array) -> Array:
        """The child of each parent for each key; new nodes, where the pair is one, the same."""
        if not len(parents):
            return np.empty(0, dtype=np.int64)
        span = int(keys.max()) + 1
        pairs, place = np.unique(parents.astype(np.int64) * span + keys, return_inverse=True)
        parent, key = np.divmod(pairs, span)
        self._parents.append(parent)
        self._keys.append(key)
        first, self._count = self._count, self._count + len(pairs)
        # numpy 2.0 gives the places another shape than all others do.
        return first + place.reshape(-1)

    def add_own(self, nodes: Array, values: Array) -> None:
        """Count values for nodes, as their own."""
        self._own.append((nodes, values))

    def tree(self) -> Tree:
        """The tree, with its totals."""
        own = np.zeros((self._count, self._columns))
        for nodes, values in self._own:
            for column in range(self._columns):
                own[:, column] += np.bincount(
                    nodes, weights=values[:, column], minlength=self._count
                )
        totals = own.copy()
        end = self._count
        for parents in reversed(self._parents[1:]):
            first = end - len(parents)
            # Children of one parent stand together.
            starts = np.flatnonzero(np.diff(parents, prepend=NO_NODE - 1))
            totals[parents[starts]] += np.add.reduceat(totals[first:end], starts, axis=0)
            end = first
        return Tree(np.concatenate(self._parents), np.concatenate(self._keys), totals, own)
