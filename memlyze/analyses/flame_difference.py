"""The flame graph of what differs between two recordings: one tree that both have in common."""

from __future__ import annotations

import typing

import numpy as np

from memlyze.analyses import call_tree
from memlyze.analyses.diff import measure_of
from memlyze.analyses.flame_columns import (
    NODES,
    FlameColumns,
    Frame,
    check_choice,
    columns_of,
    greatest_side,
)
from memlyze.analyses.normalised import (
    UNKNOWN,
    NormalisedStacks,
    Place,
    Units,
    places_of_frames,
)
from memlyze.analyses.sampling import sampling_of
from memlyze.analyses.scripts import scripts_in_common
from memlyze.analyses.selection import EVERYTHING, Selection, choose
from memlyze.analyses.stack_sums import StackSums, stack_sums
from memlyze.query.origins import LIBRARY, RUNTIME
from memlyze.query.session import Trace

#: What the widths can be: figures of `diff` in bytes.
MEASURES = ("peak", "live", "allocated")


def flame_difference(
    before: Trace,
    after: Trace,
    *,
    measure: str = "peak",
    selection: Selection = EVERYTHING,
    inverted: bool = False,
    nodes: int = NODES,
) -> FlameColumns:
    """The call tree of two recordings, with the figures of both at each node.

    Stacks are compared as by `diff`: by module and function, so that moved code stays the same;
    frames say where each stands in the second recording, or in the first, if it is only there.
    `measure` is one of `MEASURES`, `nodes` how many are shown at most.

    Raises MemlyzeError for a `measure` that there is not, and SelectionError.
    """
    check_choice("measure", measure, MEASURES)
    units = Units()
    scripts = dict(zip((before, after), scripts_in_common(before, after)))
    sides = [
        _sums_by_unit(trace, units, measure, selection, scripts[trace]) for trace in (after, before)
    ]
    items = sides[0].beside(sides[1])
    frames, keys = _frames(units, (after, scripts[after]), (before, scripts[before]))
    stacks = call_tree.Stacks(
        parents=np.array(units.callers(), dtype=np.int64),
        depths=np.array(units.depths(), dtype=np.int64),
        keys=keys,
    )
    rows, values, count = items.stack_ids, items.values, max(nodes, 1)
    if inverted:
        sizes = greatest_side(values)
        shape, places = call_tree.shape_from_leaves(stacks, rows, None, sizes, count=count)
    else:
        shape, places = call_tree.shape_from_root(stacks, rows, None)
    own = call_tree.own_values(shape, places, values)
    samplings = [sampling_of(trace) for trace in (after, before)]
    return columns_of(shape, own, frames, samplings, is_inverted=inverted, count=count)


def _sums_by_unit(
    trace: Trace, units: Units, measure: str, selection: Selection, script: frozenset[int]
) -> StackSums:
    """What each unit has, its number in place of a stack's."""
    sums = stack_sums(trace, choose(trace, selection), measure_of(trace, measure, selection))
    normalised = NormalisedStacks(trace, "stack", units, script)
    numbers = [normalised.unit(stack_id) for stack_id in sums.stack_ids.tolist()]
    return sums._replace(stack_ids=np.array(numbers, dtype=np.int64))


def _frames(
    units: Units, *recordings: tuple[Trace, frozenset[int]]
) -> tuple[list[Frame], typing.Any]:
    """The frames that units stand for, and for each unit the place of its own among them."""
    known: dict[Place, Frame] = {
        UNKNOWN: Frame(UNKNOWN.function, UNKNOWN.module, None, None, RUNTIME)
    }
    for trace, script in recordings:
        columns = trace.table("frames")
        names = ("function", "file", "module", "origin")
        rows = zip(*(columns[name].tolist() for name in names))
        for place, (function, file, module, origin) in zip(places_of_frames(trace, script), rows):
            known.setdefault(place, Frame(function, file, None, module, origin))
    places: dict[Place, int] = {}
    keys = [places.setdefault(units.place(k), len(places)) for k in range(len(units))]
    frames = [
        known.get(place, Frame(place.function, place.module, None, None, LIBRARY))
        for place in places
    ]
    return frames, np.array(keys, dtype=np.int64)
