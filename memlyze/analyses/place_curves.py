"""Bytes by place and time: the layers of a stacked picture, the rows of a heat map."""

from __future__ import annotations

import typing

import numpy as np

from memlyze.analyses.places import Place, Places
from memlyze.analyses.selection import EVERYTHING, Selection, choose
from memlyze.analyses.statements import run_columns
from memlyze.query.session import Trace

Array = typing.Any  # a numpy array

MEASURES = ("allocated", "live")
# Enough to see which places are great at some time.
_COARSE_BUCKETS = 64


class PlaceCurves(typing.NamedTuple):
    """The greatest places, and all others together in the last row of the arrays."""

    places: tuple[Place, ...]
    allocated_bytes: Array
    """In each bucket: a row for each place and one more, a column for each bucket."""
    live_bytes: Array
    """At the end of each bucket."""
    live_variance: Array
    samples: Array
    """Allocations recorded in each bucket."""


def place_curves(
    trace: Trace,
    places: Places,
    edges: Array,
    *,
    count: int,
    measure: str = "live",
    selection: Selection = EVERYTHING,
) -> PlaceCurves:
    """Follow the `count` places that are greatest by `measure` at some time within the buckets that
    `edges` are the borders of. Raises SelectionError.
    """
    parameters = {**choose(trace, selection).parameters, "to_ns": int(edges[-1])}
    greatest = _greatest(trace, places, edges, parameters, count, measure)
    number_of = np.full(len(places.places), -1)
    number_of[greatest] = np.arange(len(greatest))
    numbers = number_of[places.of_stack]
    is_listed = numbers >= 0
    changes = run_columns(
        trace,
        "place_changes",
        {
            **parameters,
            "from_ns": int(edges[0]),
            "width_ns": int(edges[1] - edges[0]),
            "stack_ids": places.stack_ids[is_listed].tolist(),
            "numbers": numbers[is_listed].tolist(),
        },
    )
    rows = np.where(changes["number"] < 0, len(greatest), changes["number"])
    shape = (len(greatest) + 1, len(edges) - 1)
    return PlaceCurves(
        places=tuple(places.places[number] for number in greatest.tolist()),
        allocated_bytes=_grid(changes, "allocated_bytes", rows, shape)[:, 1:],
        live_bytes=_level(changes, "change_bytes", rows, shape),
        live_variance=np.maximum(_level(changes, "change_variance", rows, shape), 0.0),
        samples=_grid(changes, "samples", rows, shape)[:, 1:],
    )


def _greatest(
    trace: Trace,
    places: Places,
    edges: Array,
    parameters: typing.Mapping[str, typing.Any],
    count: int,
    measure: str,
) -> Array:
    """The numbers of the greatest places, by what is live at the end of a coarse bucket, or by what
    is allocated in all.
    """
    span_ns = int(edges[-1] - edges[0])
    buckets = _COARSE_BUCKETS if measure == "live" else 1
    changes = run_columns(
        trace,
        "place_changes",
        {
            **parameters,
            "from_ns": int(edges[0]),
            "width_ns": max(-(-span_ns // buckets), 1),
            "stack_ids": None,
            "numbers": None,
        },
    )
    rows = places.numbers(changes["number"])
    shape = (len(places.places), buckets)
    if measure == "live":
        size = _level(changes, "change_bytes", rows, shape).max(axis=1, initial=0.0)
    else:
        size = _grid(changes, "allocated_bytes", rows, shape)[:, 1:].sum(axis=1)
    order = np.argsort(-size, kind="stable")[:count]
    return order[size[order] > 0]


def _grid(
    changes: typing.Mapping[str, Array], name: str, rows: Array, shape: tuple[int, int]
) -> Array:
    """Sums by row and bucket; the first column is what was before."""
    places, buckets = shape
    cells = rows * (buckets + 1) + np.minimum(changes["bucket"], buckets - 1) + 1
    sums = np.bincount(cells, weights=changes[name], minlength=places * (buckets + 1))
    return sums.reshape(places, buckets + 1)


def _level(
    changes: typing.Mapping[str, Array], name: str, rows: Array, shape: tuple[int, int]
) -> Array:
    """What the changes have led to at the end of each bucket."""
    level = np.cumsum(_grid(changes, name, rows, shape), axis=1)[:, 1:]
    level[np.abs(level) < 0.5] = 0.0  # sums of what is added and taken away again
    return level
