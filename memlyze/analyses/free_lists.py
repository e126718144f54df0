"""Whether what a site leaves behind may lie in the interpreter's free lists.

CPython keeps the memory of small objects of some types when they die, for the next ones. Where
more come in than go out (`tuple(iterator)` makes a tuple of ten and shortens it, so that it never
takes one of those that it leaves) such a list fills evenly, which looks like a leak, and then has
its fill.
"""

from __future__ import annotations

import typing

import numpy as np

from memlyze.analyses.call_stacks import rows_live_at
from memlyze.analyses.references import LiveBlocks
from memlyze.query.session import Trace

_OBJECT_DOMAIN = 2
_MOST = 0.75
#: Of tuples of each length; of all other types fewer are kept (CPython 3.8 to 3.14).
_MOST_OF_A_SIZE = 2000
#: A tuple of twenty is not kept any more.
_GREATEST_BYTES = 16 + 24 + 8 * 19
#: What fills a free list is this share at most of what the line makes.
_HARDLY_ANY = 0.02


def may_be_in_free_lists(blocks: LiveBlocks, without_object: int) -> bool:
    """Whether most of these blocks are such as lie in free lists, and no more of them than
    those hold. `without_object`: of how many of them no object is known.
    """
    if not len(blocks.size) or without_object < _MOST * len(blocks.size):
        return False
    _, kind = np.unique(blocks.size, return_inverse=True)
    alike = np.bincount(kind, weights=blocks.weight)[kind]
    is_such = (blocks.allocator == _OBJECT_DOMAIN) & (blocks.size <= _GREATEST_BYTES)
    is_such &= alike <= _MOST_OF_A_SIZE
    size_bytes = blocks.size * blocks.weight
    return bool(size_bytes[is_such].sum() >= _MOST * size_bytes.sum())


def seems_to_fill_free_lists(
    trace: Trace, stack_ids: typing.Collection[int], moment_ns: int, survival: float
) -> bool:
    """The same where no checkpoint tells which blocks are objects: whether next to nothing stays of
    what these call stacks allocate (`survival`, a share), and what was live at a moment could lie
    in free lists.
    """
    if survival > _HARDLY_ANY:
        return False
    allocations = trace.table("allocations")
    rows = rows_live_at(trace, stack_ids, moment_ns)
    blocks = LiveBlocks(
        allocations["allocation_id"][rows],
        allocations["weight"][rows] if "weight" in allocations else np.ones(len(rows)),
        allocations["size"][rows],
        allocations["allocator"][rows],
    )
    return may_be_in_free_lists(blocks, len(rows))
