"""Whether what a site leaves behind may lie in the interpreter's free lists.

CPython keeps the memory of small objects of some types when they die, for the next ones. Where
more come in than go out (`tuple(iterator)` makes a tuple of ten and shortens it, so that it never
takes one of those that it leaves) such a list fills evenly, which looks like a leak, and then has
its fill.
"""

from __future__ import annotations

import numpy as np

from memlyze.analyses.references import LiveBlocks

_OBJECT_DOMAIN = 2
_MOST = 0.75
#: Of tuples of each length; of all other types fewer are kept (CPython 3.8 to 3.14).
_MOST_OF_A_SIZE = 2000
#: A tuple of twenty is not kept any more.
_GREATEST_BYTES = 16 + 24 + 8 * 19


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
