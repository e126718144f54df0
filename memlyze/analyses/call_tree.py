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


class Shape(typing.NamedTuple):
    """A tree whose nodes stand level by level, so that parents come before their children."""

    parents: Array
    """Row of the parent; −1 for the root, which is row 0."""
    keys: Array
    """What the node stands for: a number of `Stacks.keys`, or a group; −1 for the root."""
    bounds: Array
    """The first row of each level, and how many nodes there are. Within a level, the children of
    one parent stand together.
    """


def shape_from_root(stacks: Stacks, rows: Array, groups: Array | None) -> tuple[Shape, Array]:
    """The tree whose first level is the outermost frames, and the node of each item.

    `rows` are the stacks of the items, `groups` what is to stand above each as a level of its own
    (a key; None: no such level).
    """
    builder = _Builder()
    starts = builder.start(groups, len(rows))
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

    item_nodes = starts.copy()
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
        item_nodes[own_items] = nodes[np.searchsorted(here, places[own_items])]
        nodes_above, places_above = nodes, here
    return builder.shape(), item_nodes


def shape_from_leaves(
    stacks: Stacks, rows: Array, groups: Array | None, sizes: Array, *, count: int
) -> tuple[Shape, Array]:
    """The inverted tree, and the node of each item: the first level is the innermost frames, and
    beneath each are its callers.

    Only nodes that may be among the `count` greatest, by the sum of `sizes`, are followed further.
    """
    builder = _Builder()
    nodes = builder.start(groups, len(rows))
    item_nodes = nodes.copy()
    items = np.arange(len(rows))
    top = np.empty(0)  # sizes of the greatest nodes so far, in no order
    while len(items):
        nodes = builder.children(nodes, stacks.keys[rows])
        item_nodes[items] = nodes
        place = np.unique(nodes, return_inverse=True)[1].reshape(-1)
        here_sizes = np.bincount(place, weights=sizes[items])
        top = np.concatenate([top, here_sizes])
        if len(top) > count:
            top = np.partition(top, len(top) - count)[len(top) - count :]
        rows = stacks.parents[rows]
        goes_on = rows >= 0
        if len(top) == count:
            goes_on &= here_sizes[place] >= top.min()
        rows, nodes, items = rows[goes_on], nodes[goes_on], items[goes_on]
    return builder.shape(), item_nodes


def own_values(shape: Shape, nodes: Array, values: Array) -> Array:
    """A row for each node: the sum of the rows of `values` whose item is of this node."""
    count = len(shape.parents)
    columns = [np.bincount(nodes, weights=column, minlength=count) for column in values.T]
    return np.stack(columns, axis=1)


def totals(shape: Shape, own: Array) -> Array:
    """For each node the sum of the rows of `own` over it and all beneath it."""
    sums = own.copy()
    is_first = np.diff(shape.parents, prepend=NO_NODE - 1) != 0  # of the children of one parent
    is_first[shape.bounds[:-1]] = True
    firsts = np.flatnonzero(is_first)
    cuts = np.searchsorted(firsts, shape.bounds[1:]).tolist()
    for (start, end), first, last in reversed(list(zip(_levels(shape), cuts, cuts[1:]))):
        families = firsts[first:last]
        beneath = np.add.reduceat(sums[start:end], families - start, axis=0)
        sums[shape.parents[families]] += beneath
    return sums


def greatest(sizes: Array, count: int) -> Array:
    """Which `count` are the greatest, the first among equals: a boolean for each.

    Of a tree's nodes, where none is greater than its parent, none is chosen without its parent.
    """
    if len(sizes) <= count:
        return np.ones(len(sizes), dtype=bool)
    least = np.partition(sizes, len(sizes) - count)[len(sizes) - count]
    kept = sizes > least
    kept[np.flatnonzero(sizes == least)[: count - np.count_nonzero(kept)]] = True
    return kept


def part(shape: Shape, rows: Array) -> Shape:
    """The tree of these nodes alone, which are in order, and with each of them its parent."""
    parents = np.searchsorted(rows, shape.parents[rows])
    parents[0] = NO_NODE
    bounds = np.unique(np.searchsorted(rows, shape.bounds))
    return Shape(parents, shape.keys[rows], bounds)


def depth_first(shape: Shape, sizes: Array) -> Array:
    """The place of each node where every node stands behind its parent, the greatest child first,
    and among equals the one of the least key.
    """
    count = len(shape.parents)
    beneath = totals(shape, np.ones((count, 1), dtype=np.int64))[:, 0]
    order = np.lexsort((shape.keys, -sizes, shape.parents))
    ends = np.cumsum(beneath[order])
    begins = ends - beneath[order]
    is_first = np.diff(shape.parents[order], prepend=NO_NODE - 1) != 0
    first = np.maximum.accumulate(np.where(is_first, np.arange(count), 0))
    places = np.empty(count, dtype=np.int64)
    places[order] = begins - begins[first]  # behind the first child of its parent
    for start, end in _levels(shape):
        places[start:end] += places[shape.parents[start:end]] + 1
    return places


def _levels(shape: Shape) -> list[tuple[int, int]]:
    """The rows of each level but that of the root, from the first to behind the last."""
    bounds = shape.bounds.tolist()
    return list(zip(bounds[1:], bounds[2:]))


class _Builder:
    def __init__(self) -> None:
        self._parents: list[Array] = [np.array([NO_NODE])]
        self._keys: list[Array] = [np.array([-1])]
        self._bounds = [0, 1]

    def start(self, groups: Array | None, count: int) -> Array:
        """The node that each item starts from: the root, or that of its group."""
        roots = np.zeros(count, dtype=np.int64)
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
        first = self._bounds[-1]
        self._bounds.append(first + len(pairs))
        # numpy 2.0 gives the places another shape than all others do.
        return first + place.reshape(-1)

    def shape(self) -> Shape:
        """The tree."""
        return Shape(
            np.concatenate(self._parents), np.concatenate(self._keys), np.array(self._bounds)
        )
