"""Call stacks as two versions of a program have them in common: without line numbers and paths."""

from __future__ import annotations

import typing

import numpy as np

from memlyze.analyses.scripts import MAIN
from memlyze.analyses.statements import run_columns
from memlyze.query.origins import RUNTIME
from memlyze.query.session import Trace
from memlyze.query.stack_sites import rows_of

#: What is compared: whole stacks, or the function or module of the program that allocated.
UNITS = ("stack", "function", "module")
_NONE = -1


class Place(typing.NamedTuple):
    """A function as both versions know it."""

    module: str
    """Dotted name of its module."""
    function: str
    """Empty where modules are compared."""


class Position(typing.NamedTuple):
    """Where something stands in one version."""

    file: str
    line: int


UNKNOWN = Place("<unknown>", "<unknown>")


class Units:
    """What is compared, numbered: each is a place within another, its caller."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[int, Place], int] = {}
        self._places: list[tuple[int, Place]] = []

    def number(self, caller: int, place: Place) -> int:
        """The number of a place that is called by the unit `caller` (−1: by none)."""
        key = (caller, place)
        number = self._numbers.setdefault(key, len(self._places))
        if number == len(self._places):
            self._places.append(key)
        return number

    def __len__(self) -> int:
        return len(self._places)

    def callers(self) -> list[int]:
        """Of each unit the number of its caller, −1 where it has none; callers come first."""
        return [caller for caller, _ in self._places]

    def depths(self) -> list[int]:
        """Of each unit how many places it is long."""
        found: list[int] = []
        for caller, _ in self._places:
            found.append(1 if caller == _NONE else found[caller] + 1)
        return found

    def place(self, number: int) -> Place:
        """The place itself, without its callers."""
        return self._places[number][1]

    def places(self, number: int) -> list[Place]:
        """The place and its callers, innermost first."""
        found = []
        while number != _NONE:
            number, place = self._places[number]
            found.append(place)
        return found


class NormalisedStacks:
    """The units of a trace's stacks.

    A frame is its module and function: lines move when something above them is edited, and paths
    differ between machines. Frames of the runtime (the import system, say) are left out, and one
    that stands several times in a row, as in recursion, counts once. `script` are the rows of
    `frames` whose module is that of the script that was run, under whichever name.
    """

    def __init__(
        self, trace: Trace, by: str, units: Units, script: frozenset[int] = frozenset()
    ) -> None:
        frames, stacks = trace.table("frames"), trace.table("stacks")
        self._by = by
        self._units = units
        self._stack_ids = stacks["stack_id"]
        self._parents = rows_of(stacks["parent_id"], stacks["stack_id"]).tolist()
        self._places = places_of_frames(trace, script)
        names = ("file", "line", "origin")
        self._frames = list(zip(*(frames[name].tolist() for name in names)))
        self._own = rows_of(stacks["frame_id"], frames["frame_id"]).tolist()
        self._sites = self._own
        if by != "stack":
            ids = run_columns(trace, "program_frames")["program_frame_id"]
            self._sites = rows_of(ids, frames["frame_id"]).tolist()
        self._known: dict[int, int] = {_NONE: _NONE}

    def unit(self, stack_id: int) -> int:
        """The number of the unit of a stack."""
        row = self._row(stack_id)
        if self._by != "stack":
            return self._units.number(_NONE, self._site(row))
        unit = self._chain(row)
        return unit if unit != _NONE else self._units.number(_NONE, UNKNOWN)

    def position(self, stack_id: int) -> Position | None:
        """Where the innermost frame of a unit stands; None: nowhere."""
        row = self._row(stack_id)
        frame = self._sites[row] if row >= 0 else _NONE
        if frame < 0:
            return None
        file, line, _ = self._frames[frame]
        return Position(file, line)

    def _row(self, stack_id: int) -> int:
        place = int(np.searchsorted(self._stack_ids, stack_id))
        if place < len(self._stack_ids) and self._stack_ids[place] == stack_id:
            return place
        return _NONE

    def _chain(self, row: int) -> int:
        """The unit of a stack with its callers; −1: all of it is the runtime's."""
        waiting = []
        while row not in self._known:
            waiting.append(row)
            row = self._parents[row]
        unit = self._known[row]
        for row in reversed(waiting):
            frame = self._own[row]
            if frame >= 0 and self._frames[frame][2] != RUNTIME:
                place = self._places[frame]
                if unit == _NONE or self._units.place(unit) != place:
                    unit = self._units.number(unit, place)
            self._known[row] = unit
        return unit

    def _site(self, row: int) -> Place:
        frame = self._sites[row] if row >= 0 else _NONE
        if frame < 0:
            return UNKNOWN
        place = self._places[frame]
        return place if self._by == "function" else Place(place.module, "")


def places_of_frames(trace: Trace, script: frozenset[int]) -> list[Place]:
    """What each row of `frames` is to both versions; `script` are those of the script."""
    columns = trace.table("frames")
    names = ("module", "file", "function")
    return [
        Place(MAIN if row in script else module or file, function)
        for row, (module, file, function) in enumerate(
            zip(*(columns[name].tolist() for name in names))
        )
    ]
