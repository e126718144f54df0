"""Which sites that grow are parts of what others leave behind.

What is kept is one object, and what this holds comes with it: a task and its result, a session
and its texts. The line to look at is the one that leaves most bytes behind. But where several leave
about as many, it is that of the outermost object.
"""

from __future__ import annotations

import typing

import numpy as np

from memlyze.analyses.references import LiveBlocks
from memlyze.query.session import Trace

Array = typing.Any  # a numpy array

_MOST_OBJECTS = 100
#: Up the tree, from one object.
_MOST_STEPS = 200
#: What is so great a share of another is about as much.
_ABOUT = 0.5


def in_leaks(
    trace: Trace,
    held_by: typing.Sequence[typing.Hashable],
    blocks: typing.Sequence[LiveBlocks],
    growth: typing.Sequence[float],
    survival: typing.Sequence[float],
) -> list[list[int]]:
    """The sites that grow, by number, leak by leak in the order in which to show them, and so are
    those of each leak: the sites that are `held_by` the same. One that is held by None is one.

    `blocks` are what was live of each site at the last checkpoint of its process, `growth` is in
    bytes per second, `survival` the share of what it allocates that stays.
    """
    together: dict[typing.Hashable, list[int]] = {}
    for number, holder in enumerate(held_by):
        together.setdefault(("alone", number) if holder is None else holder, []).append(number)
    leaks = list(together.values())
    fastest = [max(sites, key=lambda site: growth[site]) for sites in leaks]
    order = _order(
        trace,
        [_joined([blocks[site] for site in sites]) for sites in leaks],
        [sum(growth[site] for site in sites) for sites in leaks],
        [survival[site] for site in fastest],
    )
    within = [
        _order(
            trace,
            [blocks[site] for site in sites],
            [growth[site] for site in sites],
            [survival[site] for site in sites],
        )
        for sites in leaks
    ]
    return [[leaks[leak][place] for place in within[leak]] for leak in order]


def _order(
    trace: Trace,
    blocks: typing.Sequence[LiveBlocks],
    growth: typing.Sequence[float],
    survival: typing.Sequence[float],
) -> list[int]:
    if sum(len(of_each.allocation_id) > 0 for of_each in blocks) < 2:
        return order_of_growth(growth, survival, growth)
    return order_of_growth(growth, survival, growth_with_parts(trace, blocks, growth))


def _joined(blocks: typing.Sequence[LiveBlocks]) -> LiveBlocks:
    columns = [np.concatenate(column) for column in zip(*blocks)]
    order = np.argsort(columns[0])
    return LiveBlocks(*(column[order] for column in columns))


def order_of_growth(
    growth: typing.Sequence[float],
    survival: typing.Sequence[float],
    with_parts: typing.Sequence[float],
) -> list[int]:
    """In which order to show sites that grow so fast, of whose bytes such a share stays, and which
    grow so fast with what they hold.

    A line that much passes through may seem to leave something, where memory of its objects is used
    again by another line's: it is not to come before one whose own objects stay.
    """
    left = sorted(range(len(growth)), key=lambda site: -growth[site])
    order = []
    while left:
        rivals = [
            site
            for site in left
            if growth[site] >= _ABOUT * growth[left[0]]
            and survival[site] >= _ABOUT * survival[left[0]]
        ]
        first = max(rivals, key=lambda site: with_parts[site]) if rivals else left[0]
        order.append(first)
        left.remove(first)
    return order


def growth_with_parts(
    trace: Trace, blocks: typing.Sequence[LiveBlocks], growth: typing.Sequence[float]
) -> list[float]:
    """The growth of each site, with that of what its objects hold of the others'.

    `blocks` are what was live of each site at the last checkpoint of its process. An object holds
    another where that would be freed with it. What is held is estimated where allocations are
    sampled.
    """
    shares = _shares_held(trace, blocks)
    own = np.asarray(growth, dtype=np.float64)
    with_parts: list[float] = (own + np.maximum(own, 0) @ shares).tolist()
    return with_parts


def _shares_held(trace: Trace, blocks: typing.Sequence[LiveBlocks]) -> Array:
    """[a, b]: the share of the objects of site a that objects of site b hold; 0 for itself."""
    graph = trace.heap_graph
    objects, dominators = graph.objects(), graph.tree()["dominator_row"]
    site = np.full(len(dominators), -1)
    stands_for = np.zeros(len(dominators))
    of_site: list[Array] = []
    for number, of_blocks in enumerate(blocks):
        own, places = _found(objects["allocation_id"], of_blocks.allocation_id)
        site[own], stands_for[own] = number, of_blocks.weight[places]
        buffers, _ = _found(objects["buffer_allocation_id"], of_blocks.allocation_id)
        is_of_site = np.zeros(len(dominators), bool)
        is_of_site[own] = is_of_site[buffers] = True
        of_site.append(np.flatnonzero(is_of_site))
    shares = np.zeros((len(blocks), len(blocks)))
    for number, rows in enumerate(of_site):
        if not len(rows):
            continue
        places = np.linspace(0, len(rows) - 1, min(len(rows), _MOST_OBJECTS)).astype(int)
        for row in rows[places].tolist():
            met: set[int] = {number, -1}
            at, steps = row, 0
            while at >= 0 and steps < _MOST_STEPS:
                holder = int(site[at])
                if holder not in met:
                    met.add(holder)
                    shares[number, holder] += stands_for[at] / len(places)
                at, steps = int(dominators[at]), steps + 1
    return np.minimum(shares, 1)


def _found(ids: Array, blocks: Array) -> tuple[Array, Array]:
    """Where one of `blocks` stands in `ids`, and where this one stands in `blocks`."""
    if not len(blocks):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    places = np.minimum(np.searchsorted(blocks, ids), len(blocks) - 1)
    rows = np.flatnonzero(blocks[places] == ids)
    return rows, places[rows]
