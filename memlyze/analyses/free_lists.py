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
#: Of tuples of each length; of all other types fewer are kept (CPython 3.8 to 3.14).
_MOST_OF_A_SIZE = 2000
#: A tuple of twenty is not kept any more.
_GREATEST_BYTES = 16 + 24 + 8 * 19


def may_be_in_free_lists(blocks: LiveBlocks) -> bool:
    """Whether blocks that no object has are such as lie in free lists, and no more of them than
    those hold.
    """
    is_such = (blocks.allocator == _OBJECT_DOMAIN) & (blocks.size <= _GREATEST_BYTES)
    if not len(is_such) or not is_such.all():
        return False
    _, kind = np.unique(blocks.size, return_inverse=True)
    return bool((np.bincount(kind, weights=blocks.weight) <= _MOST_OF_A_SIZE).all())
