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

_HALF = 0.5


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


def main_inner(
    sums: Columns, places: Places, numbers: Array, figures: Columns, figure: str
) -> dict[int, Place]:
    """Of each place or group the innermost place that more than half of its `figure` comes from, by
    its number; none where there is no such place.

    `figures` are what `figures_of` says of them. Of a figure that is no sum bytes are taken.
    """
    figure = figure if figure in FIGURES else "bytes"
    column, mask, classes = FIGURES[figure]
    rows = places.rows(sums["stack_id"])
    counts = (rows > 0) & (sums["classes"] & mask == classes)
    values, of_rows = sums[column][counts], numbers[counts]
    if not len(values):
        return {}
    inner = places.innermost[rows[counts]]
    pairs = of_rows * np.int64(len(places.inner)) + inner
    pair, of_pairs = np.unique(pairs, return_inverse=True)
    totals = np.bincount(of_pairs.reshape(-1), weights=values)
    number, inner = pair // len(places.inner), pair % len(places.inner)
    is_main = totals > _HALF * figures[figure][number]
    return {
        which: places.inner[place]
        for which, place in zip(number[is_main].tolist(), inner[is_main].tolist())
    }
