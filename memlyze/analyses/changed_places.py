"""Whether what a site keeps merely takes the place of what other sites kept in the same holder.

A table that is full holds no more than before, whoever writes into it: where a line replaces
entries that another line has made, the one grows as the other shrinks. So do lines among which
the interpreter's free lists hand memory on. Neither is a leak, and no curve of one line tells.
"""

from __future__ import annotations

import math
import typing

import numpy as np

from memlyze.query.session import Trace

Array = typing.Any  # a one-dimensional numpy array

#: Of what the site grew by in the last third of its time, the others must have shrunk by this.
_MOST = 0.6
_SIGMAS = 1.64  # one-sided 95 %
#: Where no more than this of what a site allocates stays, and that is a small part of what lies
#: there, it was handed on to it.
_HARDLY_ANY = 0.02
_SMALL = 0.1
#: From when to when most of a site is freed, where it goes in one go.
_IN_ONE_GO = (0.05, 0.95)


def takes_the_place_of_others(
    trace: Trace,
    process_id: int,
    own: typing.Collection[int],
    beside: Array,
    since_ns: int,
    until_ns: int,
    survival: float,
) -> bool:
    """Whether what other call stacks have there shrank by what the call stacks `own` grew by, in
    the last third of the time from `since_ns` to `until_ns`, beyond what sampling may feign; or
    whether next to nothing of what `own` allocate stays (`survival`, a share), beside much that is
    of the others.

    `beside` are rows of `allocations` that the others have there now. What they had there before
    is known by its call stacks and sizes.
    """
    if not len(beside):
        return False
    from_ns = until_ns - (until_ns - since_ns) // 3
    rows = _rows_live_at(trace, process_id, from_ns, until_ns)
    allocations = trace.table("allocations")
    own_rows = _rows_of_stacks(allocations, rows, np.fromiter(own, np.int64))
    other_rows = _rows_of_stacks(allocations, rows, allocations["stack_id"][beside])
    kinds = np.sort(_kinds(allocations, beside))
    of_others = _kinds(allocations, other_rows)
    is_alike = kinds[np.minimum(kinds.searchsorted(of_others), len(kinds) - 1)] == of_others
    of_own, of_others = (_blocks(allocations, which) for which in (own_rows, other_rows[is_alike]))
    if survival <= _HARDLY_ANY:
        live = _live(of_own, until_ns).sum()
        if live <= _SMALL * (live + _live(of_others, until_ns).sum()):
            return True
    growth, _ = _change(of_own, from_ns, until_ns)
    change, variance = _change(of_others, from_ns, until_ns)
    return growth > 0 and -change >= max(_MOST * growth, _SIGMAS * math.sqrt(variance))


def freed_together(
    trace: Trace, process_id: int, own: typing.Collection[int], until_ns: int
) -> Array:
    """What other call stacks had at a moment that was freed in the same go as what these had, and
    is of the same sizes: rows of `allocations`. It was in the same holder, perhaps, which nobody
    has seen.
    """
    allocations = trace.table("allocations")
    rows = _rows_live_at(trace, process_id, until_ns, until_ns)
    own_rows = _rows_of_stacks(allocations, rows, np.fromiter(own, np.int64))
    freed_ns = allocations["freed_ns"]
    went = freed_ns[own_rows][freed_ns[own_rows] >= 0]
    if not len(went):
        return np.empty(0, np.int64)
    first_ns, last_ns = np.quantile(went, _IN_ONE_GO)
    is_other = ~np.isin(rows, own_rows)
    is_other &= (freed_ns[rows] >= first_ns) & (freed_ns[rows] <= last_ns)
    is_other &= np.isin(allocations["size"][rows], allocations["size"][own_rows])
    return rows[is_other]


class _Blocks(typing.NamedTuple):
    """What some call stacks allocated."""

    born_ns: Array
    freed_ns: Array
    size: Array
    weight: Array


def _rows_live_at(trace: Trace, process_id: int, from_ns: int, until_ns: int) -> Array:
    """What was live at one of two moments, which is little of all that was allocated."""
    allocations = trace.table("allocations")
    freed = allocations["freed_ns"].view(np.uint64)  # −1, never, is the greatest
    rows = np.flatnonzero(freed > from_ns)
    born = allocations["time_ns"][rows]
    rows = rows[(born <= from_ns) | ((born <= until_ns) & (freed[rows] > until_ns))]
    if "process_id" in allocations:
        rows = rows[allocations["process_id"][rows] == process_id]
    return rows


def _rows_of_stacks(
    allocations: typing.Mapping[str, Array], rows: Array, stack_ids: Array
) -> Array:
    """Those of `rows` whose call stack is one of these."""
    stacks = allocations["stack_id"][rows]
    is_wanted = np.zeros(int(max(stacks.max(initial=0), stack_ids.max(initial=0))) + 1, bool)
    is_wanted[stack_ids] = True
    return rows[is_wanted[stacks]]


def _kinds(allocations: typing.Mapping[str, Array], rows: Array) -> Array:
    """Call stack and size of each, as one number."""
    sizes = allocations["size"][rows].astype(np.uint64)
    return allocations["stack_id"][rows].astype(np.uint64) << np.uint64(32) ^ sizes


def _blocks(allocations: typing.Mapping[str, Array], rows: Array) -> _Blocks:
    weight = allocations["weight"][rows] if "weight" in allocations else np.ones(len(rows))
    return _Blocks(
        allocations["time_ns"][rows],
        allocations["freed_ns"][rows],
        allocations["size"][rows].astype(float),
        weight,
    )


def _live(blocks: _Blocks, moment_ns: int) -> Array:
    """The bytes of each block that is live at a moment; 0 of the others."""
    freed = blocks.freed_ns
    is_live = (blocks.born_ns <= moment_ns) & ((freed == -1) | (freed > moment_ns))
    return np.where(is_live, blocks.size * blocks.weight, 0)


def _change(blocks: _Blocks, from_ns: int, to_ns: int) -> tuple[float, float]:
    """By how many bytes what is live changed, and the variance of sampling."""
    change = _live(blocks, to_ns) - _live(blocks, from_ns)
    of_sampling = blocks.weight * (blocks.weight - 1) * blocks.size**2
    return float(change.sum()), float(of_sampling[change != 0].sum())
