"""Which container holds what many functions made: what these have in common that let one thing
grow, such as a list of requests, each of which consists of parts that many lines make.
"""

from __future__ import annotations

import typing

import numpy as np

from memlyze.query.heap_graph import HeapGraph
from memlyze.query.leaks.clock import Array
from memlyze.query.leaks.curves import Columns

Tables = typing.Callable[[str], Columns]

#: An object is the container of what hangs on it unless so much of that hangs on one of its parts.
_ONE_PART = 0.5
#: A group has a container if that has so much of what it made.
_MOST = 0.5
_MOST_STEPS = 10_000


def container_of_groups(
    graph: HeapGraph,
    tables: Tables,
    process_ids: typing.Sequence[int],
    group_of_stack: Array,
    is_found: Array,
) -> Array:
    """For each group of call stacks the container that has most of what they made and what is live
    at the end: its row among the objects of the heap graph; −1: there is none, or more of what it
    holds is of stacks that were found to grow.

    `group_of_stack`, `is_found`: by the number of the stack; −1: in no group. Of several processes
    one is looked at, that which has most of it.
    """
    container = np.full(int(group_of_stack.max(initial=-1)) + 1, -1)
    allocations = tables("allocations")
    rows = np.flatnonzero(allocations["freed_ns"] == -1)
    stacks = allocations["stack_id"][rows]
    rows = rows[(group_of_stack[stacks] >= 0) | is_found[stacks]]
    if "process_id" in allocations and len(rows):
        numbers, counts = np.unique(allocations["process_id"][rows], return_counts=True)
        counts[~np.isin(numbers, process_ids)] = 0
        process_ids = [int(numbers[counts.argmax()])]
        rows = rows[allocations["process_id"][rows] == process_ids[0]]
    rows, objects = _objects_of(graph, tables, process_ids[0], rows)
    if not len(rows):
        return container
    size = allocations["size"][rows] * allocations["weight"][rows]
    found = is_found[allocations["stack_id"][rows]]
    found_objects, found_size = objects[found], size[found]
    rows, objects, size = rows[~found], objects[~found], size[~found]
    of_row = _containers_of(graph, objects)
    group = group_of_stack[allocations["stack_id"][rows]]
    of_group = np.bincount(group, weights=size, minlength=len(container))
    pairs, pair = np.unique(np.stack([group, of_row]), axis=1, return_inverse=True)
    of_pair = np.bincount(pair.reshape(-1), weights=size)
    has_most = (of_pair > _MOST * of_group[pairs[0]]) & (pairs[1] >= 0)
    held, which = np.unique(pairs[1][has_most], return_inverse=True)
    left = np.bincount(which, weights=of_pair[has_most])
    has_more = left >= _held_bytes(graph, held, found_objects, found_size)
    has_most[has_most] = has_more[which]
    container[pairs[0][has_most]] = pairs[1][has_most]
    return container


def _objects_of(
    graph: HeapGraph, tables: Tables, process_id: int, rows: Array
) -> tuple[Array, Array]:
    """Those of these rows of `allocations` that belong to an object of the last checkpoint of their
    process, and where these objects stand.
    """
    nothing = rows[:0], rows[:0]
    checkpoints = tables("checkpoints")
    is_whole = ~np.isin(checkpoints["checkpoint_id"], list(graph.lost_checkpoints.checkpoint_ids))
    if "process_id" in checkpoints:
        is_whole &= checkpoints["process_id"] == process_id
    if not is_whole.any() or not len(rows):
        return nothing
    last = int(checkpoints["checkpoint_id"][is_whole].max())
    objects, places = graph.objects_of(last, tables("allocations")["allocation_id"][rows])
    held, first = np.unique(rows[places], return_index=True)
    return held, objects[first]


def _held_bytes(graph: HeapGraph, containers: Array, objects: Array, size: Array) -> Array:
    """How much of these objects, of which `size` is in bytes, each container holds: they would be
    freed with it.
    """
    dominators = graph.tree()["dominator_row"]
    place = np.full(len(dominators), -1)
    place[containers] = np.arange(len(containers))
    held = np.zeros(len(containers))
    for _ in range(_MOST_STEPS):
        if not len(objects):
            break
        at = place[objects]
        held += np.bincount(at[at >= 0], weights=size[at >= 0], minlength=len(held))
        objects = dominators[objects]
        objects, size = objects[objects >= 0], size[objects >= 0]
    return held


def _containers_of(graph: HeapGraph, objects: Array) -> Array:
    """The container of each of these objects.

    From the outermost object that would take it along, which is no namespace of a module, inwards,
    as long as one part has most of what hangs on it.
    """
    tree = graph.tree()
    dominators = tree["dominator_row"]
    is_namespace = graph.namespaces()
    ways = []
    at = objects.copy()
    for _ in range(_MOST_STEPS):
        at = np.where((at >= 0) & ~is_namespace[at], at, -1)
        if not (at >= 0).any():
            break
        ways.append(at)
        at = np.where(at >= 0, dominators[at], -1)
    container = np.full(len(objects), -1)
    if not ways:
        return container
    met = np.concatenate(ways)
    count = np.bincount(met[met >= 0], minlength=len(dominators))
    is_going = np.ones(len(objects), bool)
    for at in reversed(ways):  # from the outermost on; where a way is shorter, it is not yet there
        is_there = (at >= 0) & is_going
        above = np.where(container >= 0, count[container], 0)
        is_first = container < 0
        goes_on = is_there & (is_first | (count[at] > _ONE_PART * above))
        is_going &= ~(is_there & ~goes_on)
        container[goes_on] = at[goes_on]
    return container
