"""What was born in a range, and what of it is still alive: by stack, by site, and line by line."""

from __future__ import annotations

import typing

import numpy as np

from memlyze.analyses.estimates import Estimate, Sampling
from memlyze.analyses.event_sums import HELD, event_sums
from memlyze.analyses.places import Place, Places
from memlyze.analyses.sampling import sampling_of
from memlyze.analyses.selection import END_NS, EVERYTHING, Selection, choose
from memlyze.query.session import Trace
from memlyze.query.stack_sites import rows_of

Array = typing.Any  # a one-dimensional numpy array

SITES = 20
_BORN = ("bytes", "variance", "allocations", "allocations_variance", "samples")
_ALIVE = ("alive_bytes", "alive_variance", "alive_allocations", "alive_allocations_variance")
_COLUMNS = _BORN + _ALIVE


class Figures(typing.NamedTuple):
    """What was born, and what of it is alive."""

    born: Estimate
    """Bytes."""
    alive: Estimate
    """Of `born`, live at the moment that was asked for."""
    born_allocations: Estimate
    alive_allocations: Estimate
    samples: int
    has_too_few_samples: bool
    """Whether `born` rests on too few samples to be shown as precise."""


class BirthSite(typing.NamedTuple):
    """A site with what was born there."""

    place: Place
    inner: Place
    """The line that most of it was allocated by in fact."""
    figures: Figures
    stack: tuple[Place, ...]
    """The stack that most of it came from, innermost frame first."""


class Births(typing.NamedTuple):
    """Figures by stack. Columns of one length, a row for each stack that allocated."""

    stack_ids: Array
    values: Array
    """A row for each, with a column for each figure and variance."""
    sampling: Sampling

    @property
    def total(self) -> Figures:
        """All together."""
        return _figures(self.values.sum(axis=0), self.sampling)


def births(trace: Trace, *, selection: Selection = EVERYTHING, at_ns: int = END_NS) -> Births:
    """Sum up by stack what was chosen, and what of it is live at a moment. Raises
    SelectionError.
    """
    chosen = choose(trace, selection)
    sums = event_sums(trace, chosen, moment_ns=at_ns, told_apart=HELD)
    born = np.stack([sums[name].astype(np.float64) for name in _BORN], axis=1)
    alive = np.where(sums["classes"][:, np.newaxis] & HELD, born[:, : len(_ALIVE)], 0.0)
    stack_ids, places = np.unique(sums["stack_id"], return_inverse=True)
    values = _summed(places.reshape(-1), np.hstack([born, alive]), len(stack_ids))
    return Births(stack_ids, values, sampling_of(trace))


def birth_sites(
    trace: Trace, found: Births, places: Places, *, count: int = SITES
) -> list[BirthSite]:
    """The sites at which most was born, the greatest first, each with the stack that did most."""
    rows = places.rows(found.stack_ids)
    numbers = places.of_stack[rows]
    sums = _summed(numbers, found.values, len(places.places))
    order = np.lexsort((np.arange(len(sums)), -sums[:, 0]))
    order = order[sums[order, _COLUMNS.index("samples")] > 0][:count]
    greatest = _greatest_by(numbers, found.values[:, 0])
    sites = []
    for number in order.tolist():
        stack_row = greatest[number]
        sites.append(
            BirthSite(
                place=places.places[number],
                inner=_inner(places, rows, numbers == number, found.values[:, 0]),
                figures=_figures(sums[number], found.sampling),
                stack=_spelled_out(trace, places, int(found.stack_ids[stack_row])),
            )
        )
    return sites


def _inner(places: Places, rows: Array, own: Array, sizes: Array) -> Place:
    """The innermost line that most of these stacks' bytes come from."""
    inner = places.innermost[rows[own]]
    sums = np.bincount(inner, weights=sizes[own])
    return places.inner[int(np.argmax(sums))]


def _greatest_by(numbers: Array, sizes: Array) -> dict[int, int]:
    """For each number the row that has the greatest size."""
    order = np.argsort(sizes, kind="stable")
    return dict(zip(numbers[order].tolist(), order.tolist()))


def _spelled_out(trace: Trace, places: Places, stack_id: int) -> tuple[Place, ...]:
    stacks = trace.table("stacks")
    ids, parents = stacks["stack_id"], stacks["parent_id"]
    spelled = []
    while stack_id:
        spelled.append(places.inner[int(places.innermost[places.rows(np.array([stack_id]))[0]])])
        row = int(np.searchsorted(ids, stack_id))
        stack_id = int(parents[row]) if row < len(ids) and ids[row] == stack_id else 0
    return tuple(spelled)


class LineFigures(typing.NamedTuple):
    """What a line of a file allocated."""

    line: int
    functions: tuple[str, ...]
    figures: Figures
    """By it, and by what it called."""
    own: Figures
    """Where it was the innermost line."""


def line_figures(trace: Trace, found: Births, places: Places, file: str) -> list[LineFigures]:
    """The lines of a file that stand on a stack that allocated, in their order.

    A stack counts once for a line, however often the line stands in it.
    """
    is_of_file = np.array([place.file == file for place in places.inner], dtype=bool)
    if not is_of_file.any():
        return []
    line_of = np.array([place.line or 0 for place in places.inner], dtype=np.int64)
    stacks = trace.table("stacks")
    parent_rows = rows_of(stacks["parent_id"], stacks["stack_id"]) + 1  # 0: of no stack
    parents = np.append(0, parent_rows)
    start = places.rows(found.stack_ids)
    items = np.flatnonzero(start > 0)
    rows = start[items]
    own_items: Array = np.empty(0, dtype=np.int64)
    own_lines: Array = np.empty(0, dtype=np.int64)
    seen_items, seen_lines = [], []
    is_innermost = True
    while len(rows):  # all stacks go one frame outwards at a time
        inner = places.innermost[rows]
        here = is_of_file[inner]
        seen_items.append(items[here])
        seen_lines.append(line_of[inner[here]])
        if is_innermost:
            own_items, own_lines, is_innermost = seen_items[0], seen_lines[0], False
        rows = parents[rows]
        items, rows = items[rows > 0], rows[rows > 0]
    pairs = np.unique(
        np.stack([np.concatenate(seen_lines), np.concatenate(seen_items)], axis=1), axis=0
    )
    lines, line_rows = np.unique(pairs[:, 0], return_inverse=True)
    total = _summed(line_rows.reshape(-1), found.values[pairs[:, 1]], len(lines))
    own = _summed(np.searchsorted(lines, own_lines), found.values[own_items], len(lines))
    functions: dict[int, dict[str, None]] = {}
    for place in places.inner:
        if place.file == file:
            functions.setdefault(place.line or 0, {})[str(place.function)] = None
    return [
        LineFigures(
            line,
            tuple(functions[line]),
            _figures(total[row], found.sampling),
            _figures(own[row], found.sampling),
        )
        for row, line in enumerate(lines.tolist())
    ]


def _summed(numbers: Array, values: Array, count: int) -> Array:
    """The sums of rows of figures that have the same number."""
    return np.stack(
        [
            np.bincount(numbers, weights=values[:, column], minlength=count)
            for column in range(values.shape[1])
        ],
        axis=1,
    )


def _figures(sums: Array, sampling: Sampling) -> Figures:
    of = dict(zip(_COLUMNS, sums.tolist()))
    born = sampling.of_bytes(of["bytes"], of["variance"])
    return Figures(
        born=born,
        alive=sampling.of_bytes(of["alive_bytes"], of["alive_variance"]),
        born_allocations=sampling.of_allocations(of["allocations"], of["allocations_variance"]),
        alive_allocations=sampling.of_allocations(
            of["alive_allocations"], of["alive_allocations_variance"]
        ),
        samples=round(of["samples"]),
        has_too_few_samples=born.rests_on_few,
    )
