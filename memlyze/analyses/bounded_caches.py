"""Whether what a site allocated are the entries of a cache that will stop growing by itself."""

from __future__ import annotations

import typing

import numpy as np

from memlyze.analyses.entries import are_entries
from memlyze.query.session import Trace

Array = typing.Any  # a one-dimensional numpy array

#: `functools.lru_cache` makes these where it has a `maxsize`; without, it keeps a plain dict.
_LINK_OF_BOUNDED_CACHE = "functools._lru_list_elem"
_CACHE = "functools._lru_cache_wrapper"


def fills_bounded_cache(
    trace: Trace, holder_row: int, rows: Array, type_name: typing.Callable[[int], str]
) -> bool:
    """Whether the objects at `rows` of the heap graph are entries of an `lru_cache` with a maximum
    size, which their holder may be, or have its table in it.

    `type_name` names the type of an object, by its row.
    """
    above = int(trace.heap_graph.tree()["dominator_row"][holder_row])
    caches = [row for row in (holder_row, above) if row >= 0 and type_name(row) == _CACHE]
    if not any(_has_links(trace, row, type_name) for row in caches):
        return False
    # What grows inside of an entry is no matter of the cache's size.
    return are_entries(trace, trace.heap_graph.tree()["dominator_row"], holder_row, rows)


def _has_links(trace: Trace, cache_row: int, type_name: typing.Callable[[int], str]) -> bool:
    """Whether the cache holds links: from its dict, which it holds in turn."""
    dominators = trace.heap_graph.tree()["dominator_row"]
    below = np.flatnonzero(dominators == cache_row)
    inner = np.concatenate([below, np.flatnonzero(np.isin(dominators, below))])
    types = trace.heap_graph.objects()["type_id"][inner]
    _, firsts = np.unique(types, return_index=True)
    return any(type_name(int(inner[first])) == _LINK_OF_BOUNDED_CACHE for first in firsts)
