"""What each place or group has of the sums by call stack."""

from __future__ import annotations

import typing

import numpy as np

from memlyze.analyses.event_sums import HELD, LIVE, MAPPED, TEMPORARY
from memlyze.analyses.places import Place, Places

Array = typing.Any  # a one-dimensional numpy array
Columns = typing.Mapping[str, Array]

#: Each figure: of which column of the sums it is, and what is left of their classes beneath a mask.
FIGURES: typing.Final = {
    "bytes": ("bytes", 0, 0),
    "variance": ("variance", 0, 0),
    "allocations": ("allocations", 0, 0),
    "allocations_variance": ("allocations_variance", 0, 0),
    "samples": ("samples", 0, 0),
    "live_bytes": ("bytes", LIVE, LIVE),
    "live_variance": ("variance", LIVE, LIVE),
    "held_bytes": ("bytes", HELD, HELD),
    "held_variance": ("variance", HELD, HELD),
    "held_mapped_bytes": ("bytes", HELD | MAPPED, HELD | MAPPED),
    "held_mapped_variance": ("variance", HELD | MAPPED, HELD | MAPPED),
    "temporary_bytes": ("bytes", TEMPORARY, TEMPORARY),
    "temporary_variance": ("variance", TEMPORARY, TEMPORARY),
    "temporary_allocations": ("allocations", TEMPORARY, TEMPORARY),
}


def figures_of(sums: Columns, numbers: Array, count: int) -> dict[str, Array]:
    """The figures of `count` places or groups by name, from the rows of `event_sums` that told
    apart what is live, held, temporary and mapped; `numbers` says which each row counts for. Those
    that nothing was freed of have a mean lifetime of NaN.
    """

    def summed(column: str, mask: int, classes: int) -> Array:
        values = np.where(sums["classes"] & mask == classes, sums[column], 0)
        return np.bincount(numbers, weights=values, minlength=count)

    figures = {name: summed(*of) for name, of in FIGURES.items()}
    freed = summed("allocations", LIVE, 0)
    lifetimes_ns = summed("lifetimes_ns", LIVE, 0)
    figures["mean_lifetime_ns"] = np.where(freed > 0, lifetimes_ns / np.maximum(freed, 1), np.nan)
    return figures


def greatest_inner(sums: Columns, places: Places, numbers: Array) -> dict[int, Place]:
    """Of each place or group the innermost place that most of its bytes come from, by its number;
    none where no stack is known.
    """
    is_known = places.rows(sums["stack_id"]) > 0
    stacks, groups, size = (sums[name][is_known] for name in ("stack_id", "group_id", "bytes"))
    if not len(stacks):
        return {}
    is_first = np.ones(len(stacks), dtype=bool)  # of a stack and group, in whose order rows stand
    is_first[1:] = (np.diff(stacks) != 0) | (np.diff(groups) != 0)
    firsts = np.flatnonzero(is_first)
    totals = np.add.reduceat(size, firsts)
    of_firsts = numbers[is_known][firsts]
    inner = places.innermost[places.rows(stacks[firsts])]
    order = np.lexsort((-totals, of_firsts))
    found, at = np.unique(of_firsts[order], return_index=True)
    return {
        number: places.inner[place]
        for number, place in zip(found.tolist(), inner[order][at].tolist())
    }
