"""Which place in the program a stack counts for: a line, a function, a file or a module."""

from __future__ import annotations

import typing

import numpy as np

from memlyze.analyses.statements import run_columns
from memlyze.query.session import Trace

Array = typing.Any  # a one-dimensional numpy array

#: As in `hotspots`: all but `line` are of the site, the innermost frame of the program's own code.
KINDS = ("site", "line", "function", "file", "module")
_UNKNOWN = "<unknown>"
_NO_STACK = 0


class Place(typing.NamedTuple):
    """A place; None for what is not told apart."""

    function: str | None
    file: str | None
    line: int | None
    module: str | None
    origin: str
    """Whose code it is, as in the view `frames`."""

    @property
    def label(self) -> str:
        """How a person would call it."""
        return str(self.function or self.module or self.file)


class Places(typing.NamedTuple):
    """The places of all stacks of a trace."""

    stack_ids: Array
    """0 for allocations without a stack, then those of the stacks, ascending."""
    of_stack: Array
    """For each of them the number of its place in `places`."""
    innermost: Array
    """For each of them the number of the place in `inner` that allocated in fact."""
    places: list[Place]
    inner: list[Place]
    """Lines of functions."""

    def numbers(self, stack_ids: Array) -> Array:
        """The places of these stacks."""
        return self.of_stack[self.rows(stack_ids)]

    def rows(self, stack_ids: Array) -> Array:
        """Where these stacks stand in the columns; in that of no stack, if they are not known."""
        rows = np.minimum(np.searchsorted(self.stack_ids, stack_ids), len(self.stack_ids) - 1)
        return np.where(self.stack_ids[rows] == stack_ids, rows, 0)


def places_of(trace: Trace, kind: str) -> Places:
    """Find the place of each stack. `kind` is one of KINDS."""
    sites = run_columns(trace, "stack_sites")
    frames = run_columns(trace, "frame_places")
    lines = list(
        map(
            Place._make,
            zip(
                *(
                    frames[name].tolist()
                    for name in ("function", "file", "line", "module", "origin")
                )
            ),
        )
    )
    unknown = Place(_UNKNOWN, _UNKNOWN, 0, None, "runtime")
    inner_numbers, inner = _numbered([*lines, unknown])
    numbers, places = _numbered([_merged(place, kind) for place in (*lines, unknown)])
    inner_rows = _frame_rows(sites["innermost_frame_id"], frames["frame_id"])
    site_rows = _frame_rows(sites["program_frame_id"], frames["frame_id"])
    chosen = inner_rows if kind == "line" else site_rows
    return Places(
        stack_ids=np.append(_NO_STACK, sites["stack_id"]),
        of_stack=numbers[np.append(len(lines), chosen)],
        innermost=inner_numbers[np.append(len(lines), inner_rows)],
        places=places,
        inner=inner,
    )


def _merged(place: Place, kind: str) -> Place:
    if kind in ("site", "line"):
        return place
    if kind == "function":
        return place._replace(line=None)
    if kind == "file" or place.module is None:
        return Place(None, place.file, None, None, place.origin)
    return Place(None, None, None, place.module, place.origin)


def _numbered(values: list[Place]) -> tuple[Array, list[Place]]:
    known: dict[Place, int] = {}
    numbers = np.array([known.setdefault(value, len(known)) for value in values], dtype=np.int64)
    return numbers, list(known)


def _frame_rows(wanted: Array, frame_ids: Array) -> Array:
    """The rows of these frames; one behind the last for what is not there."""
    if not len(frame_ids):
        return np.zeros(len(wanted), dtype=np.int64)
    rows = np.minimum(np.searchsorted(frame_ids, wanted), len(frame_ids) - 1)
    return np.where(frame_ids[rows] == wanted, rows, len(frame_ids))
