"""Which place in the program a stack counts for: a line, a function, a file or a module."""

from __future__ import annotations

import typing

import numpy as np

from memlyze.analyses.remembered import remembered
from memlyze.query.session import Trace
from memlyze.query.stack_sites import rows_of

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
        return str(self.function or self.file or self.module)


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
    """Find the place of each stack, once for a trace. `kind` is one of KINDS."""
    return remembered(trace, "places", lambda: _places_of(trace, kind), kind, of="stacks")


def _places_of(trace: Trace, kind: str) -> Places:
    sites, frames = trace.made_table("stack_sites"), trace.table("frames")
    columns = zip(*(frames[name].tolist() for name in Place._fields))
    lines = _with_one_module_a_file(list(map(Place._make, columns)))
    unknown = Place(_UNKNOWN, _UNKNOWN, 0, None, "runtime")
    # That of stacks of which no frame is known is the last: −1.
    inner_numbers, inner = _numbered([*lines, unknown])
    numbers, places = _numbered([_merged(place, kind) for place in (*lines, unknown)])
    inner_rows = rows_of(sites["innermost_frame_id"], frames["frame_id"])
    site_rows = rows_of(sites["program_frame_id"], frames["frame_id"])
    order = np.argsort(sites["stack_id"], kind="stable")
    chosen = inner_rows if kind == "line" else site_rows
    return Places(
        stack_ids=np.append(_NO_STACK, sites["stack_id"][order]),
        of_stack=numbers[np.append(-1, chosen[order])],
        innermost=inner_numbers[np.append(-1, inner_rows[order])],
        places=places,
        inner=inner,
    )


def _with_one_module_a_file(lines: list[Place]) -> list[Place]:
    """Name a file's module alike in all processes. One that was killed may not have told that it
    added to its path: to it `pkg.mod` is `src.pkg.mod`, or `mod` where the package is elsewhere.
    """
    modules: dict[str | None, set[str]] = {}
    for line in lines:
        if line.module is not None:
            modules.setdefault(line.file, set()).add(line.module)
    chosen = {
        file: min(names, key=lambda name: ("." not in name, len(name), name))
        for file, names in modules.items()
    }
    return [line._replace(module=chosen.get(line.file)) for line in lines]


def _merged(place: Place, kind: str) -> Place:
    if kind in ("site", "line"):
        return place
    if kind == "function":
        return place._replace(line=None)
    if kind == "file" or place.module is None:
        return place._replace(function=None, line=None)
    return Place(None, None, None, place.module, place.origin)


def _numbered(values: list[Place]) -> tuple[Array, list[Place]]:
    known: dict[Place, int] = {}
    numbers = np.array([known.setdefault(value, len(known)) for value in values], dtype=np.int64)
    return numbers, list(known)
