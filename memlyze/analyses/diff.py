"""What differs between two recordings, and what of it is more than chance: `docs/diff.md`."""

from __future__ import annotations

import typing

import numpy as np

from memlyze.analyses.chance import (
    FALSE_DISCOVERY_RATE,
    Sampled,
    adjusted,
    p_value,
    variance_of_change,
)
from memlyze.analyses.command_lines import program_of
from memlyze.analyses.estimates import Estimate, half_width
from memlyze.analyses.live_series import live_series
from memlyze.analyses.normalised import UNITS, NormalisedStacks, Place, Position, Units
from memlyze.analyses.sampling import sampling_of
from memlyze.analyses.scripts import scripts_in_common
from memlyze.analyses.selection import END_NS, EVERYTHING, Selection, choose
from memlyze.analyses.stack_sums import ALLOCATED, COLUMNS, Measure, stack_sums
from memlyze.analyses.statements import run_statement
from memlyze.errors import MemlyzeError
from memlyze.query.session import Trace
from memlyze.trace.metadata import strings_of

#: What can be compared by unit. `live`: not freed at the end; `peak`: live when most was.
MEASURES = ("peak", "live", "allocated", "allocations")
#: What is compared in all.
FIGURES = ("allocated", "allocations", "live", "peak", "rss")
COUNT = 20
# What a sample stands for is told in bytes; of allocations it is as many objects of this size.
_SMALL_OBJECT_BYTES = 48


class Change(typing.NamedTuple):
    """One figure in both recordings."""

    before: Estimate
    after: Estimate
    change: Estimate
    p_value: float
    """Chance of such a change where there is none in truth; of rows, adjusted for all of them."""
    is_beyond_chance: bool
    """Whether that is below 5 %; then the interval of `change` excludes 0."""


class Difference(typing.NamedTuple):
    """A stack, function or module that differs."""

    place: Place
    """What allocated."""
    callers: tuple[Place, ...]
    """Of a stack, innermost first."""
    position_before: Position | None
    """Where most of it was allocated in the first recording; None: it is not there."""
    position_after: Position | None
    """Where it was in the second."""
    figure: Change
    """What is compared: bytes, or allocations."""
    samples_before: int
    """Recorded rows in the first recording."""
    samples_after: int
    """Recorded rows in the second."""
    has_too_few_samples: bool
    """Whether `before` and `after`, as far as they are estimates, both rest on too few samples."""


class Ran(typing.NamedTuple):
    """What a recording is of."""

    program: str
    """Name of the script or command, `-m module` or `-c code`; empty: not known."""
    python_version: str
    """Empty: not known, or it is no Python program."""


class Diff(typing.NamedTuple):
    """Two recordings beside each other, the second less the first."""

    before: Ran
    """What the first is of."""
    after: Ran
    """What the second is of; figures of another program, or Python, say little about the first."""
    by: str
    """What a row is: one of `UNITS`."""
    measure: str
    """What rows compare: one of `MEASURES`."""
    totals: dict[str, Change | None]
    """Each of `FIGURES`; None: nothing was read of it in one of them."""
    peak_before_ns: int | None
    """The moment that the rows are of in the first recording; None: they are of no moment."""
    peak_after_ns: int | None
    """In the second."""
    rival_before_ns: int | None
    """Another moment of the first recording at which as much may have been live, less having been
    live in between: which of the two is its peak was left to chance. None: there is none.
    """
    rival_after_ns: int | None
    """Of the second."""
    row_count: int
    """How many stacks, functions or modules there are."""
    beyond_chance_count: int
    """How many of them differ beyond chance."""
    rows: tuple[Difference, ...]
    """Those that differ beyond chance first, of these the greatest first."""


def diff(
    before: Trace,
    after: Trace,
    *,
    by: str = "function",
    measure: str = "peak",
    count: int = COUNT,
    selection: Selection = EVERYTHING,
) -> Diff:
    """Compare two recordings by stacks, functions or modules (`UNITS`), in one of `MEASURES`.

    Line numbers and paths are not compared, so that moved code stays the same, nor is the name of
    the script that was run. Of the rows that are said to differ beyond chance, one in twenty is
    expected not to, however many are compared.

    Raises MemlyzeError for a `by` or `measure` that there is not, and SelectionError.
    """
    for what, value, known in (("by", by, UNITS), ("measure", measure, MEASURES)):
        if value not in known:
            raise MemlyzeError(f"there is no {what} {value!r}; take one of {', '.join(known)}")
    units = Units()
    sides = [_Side(trace, selection) for trace in (before, after)]
    first, second = (
        side.by_unit(by, measure, units, script)
        for side, script in zip(sides, scripts_in_common(before, after))
    )
    numbers = sorted(first.keys() | second.keys())
    empty = _UnitSum()
    pairs = [(first.get(number, empty), second.get(number, empty)) for number in numbers]
    figures = [(sides[0].sampled(a, measure), sides[1].sampled(b, measure)) for a, b in pairs]
    chances = adjusted([p_value(*pair) for pair in figures])
    changes = [_change(sides, pair, measure, chance) for pair, chance in zip(figures, chances)]
    rows = [
        Difference(
            place=units.place(number),
            callers=tuple(units.places(number)[1:]),
            position_before=a.position,
            position_after=b.position,
            figure=change,
            samples_before=a.samples,
            samples_after=b.samples,
            has_too_few_samples=_rest_on_few(change),
        )
        for number, (a, b), change in zip(numbers, pairs, changes)
    ]
    moments = [_moments(trace, measure, selection) for trace in (before, after)]
    rows.sort(key=lambda row: (not row.figure.is_beyond_chance, -abs(row.figure.change.value)))
    return Diff(
        before=_ran(before),
        after=_ran(after),
        by=by,
        measure=measure,
        totals={name: _total(name, sides) for name in FIGURES},
        peak_before_ns=moments[0][0],
        peak_after_ns=moments[1][0],
        rival_before_ns=moments[0][1],
        rival_after_ns=moments[1][1],
        row_count=len(rows),
        beyond_chance_count=sum(row.figure.is_beyond_chance for row in rows),
        rows=tuple(rows[:count]),
    )


def measure_of(trace: Trace, name: str, selection: Selection) -> Measure:
    """What one of `MEASURES` counts of a recording."""
    if name == "live":
        return Measure(live_at_ns=END_NS)
    if name == "peak":
        return Measure(live_at_ns=_moments(trace, name, selection)[0] or 0)
    return ALLOCATED


def _moments(trace: Trace, measure: str, selection: Selection) -> tuple[int | None, int | None]:
    """The moment that rows are of, and one that may be the peak as well."""
    if measure != "peak":
        return None, None
    series = live_series(trace, selection._replace(from_ns=0))
    peak_ns = series.greatest_between(selection.from_ns, selection.to_ns)
    if peak_ns is None:
        return None, None
    return peak_ns, series.rival_of(peak_ns, selection.from_ns, selection.to_ns)


def _ran(trace: Trace) -> Ran:
    words = strings_of(trace.metadata.get("command_line"))
    return Ran(program_of(words), str(trace.metadata.get("python_version") or ""))


class _UnitSum:
    """What one recording has of a unit."""

    def __init__(self) -> None:
        self.values = np.zeros(len(COLUMNS))
        self.position: Position | None = None
        self._position_bytes = -1.0

    def add(self, values: typing.Any, position: Position | None) -> None:
        """Count a stack of the unit."""
        self.values += values
        if values[0] > self._position_bytes:
            self.position, self._position_bytes = position, values[0]

    @property
    def samples(self) -> int:
        """Recorded rows."""
        return int(self.values[-1])


class _Side:
    """One of the two recordings."""

    def __init__(self, trace: Trace, selection: Selection) -> None:
        self._trace = trace
        self._chosen = choose(trace, selection)
        self._measures = {name: measure_of(trace, name, selection) for name in MEASURES}
        self._sums: dict[Measure, typing.Any] = {}
        self._sampling = sampling_of(trace)

    def sampled(self, unit: _UnitSum, measure: str) -> Sampled:
        """A figure of a unit, or of all."""
        size, variance, allocations, allocations_variance, _ = unit.values.tolist()
        value, step = size, self._sampling.interval_bytes
        if measure == "allocations":
            value, variance = allocations, allocations_variance
            step /= _SMALL_OBJECT_BYTES
        return Sampled(value, variance, variance / value if value else step)

    def shown(self, figure: Sampled, measure: str) -> Estimate:
        """A figure of a unit, or of all, with its error."""
        if measure == "rss":
            return Estimate(figure.value, 0.0)
        of = self._sampling.of_allocations if measure == "allocations" else self._sampling.of_bytes
        return of(figure.value, figure.variance)

    def _stacks(self, measure: str) -> typing.Any:
        wanted = self._measures[measure]
        if wanted not in self._sums:
            self._sums[wanted] = stack_sums(self._trace, self._chosen, wanted)
        return self._sums[wanted]

    def by_unit(
        self, by: str, measure: str, units: Units, script: frozenset[int]
    ) -> dict[int, _UnitSum]:
        """The sums of each unit; `script`: which rows of `frames` are of `__main__`."""
        stacks = NormalisedStacks(self._trace, by, units, script)
        sums = self._stacks(measure)
        found: dict[int, _UnitSum] = {}
        for stack_id, values in zip(sums.stack_ids.tolist(), sums.values):
            unit = found.setdefault(stacks.unit(stack_id), _UnitSum())
            unit.add(values, stacks.position(stack_id))
        return found

    def total(self, figure: str) -> Sampled | None:
        """A figure of all that was chosen; None: it is not known."""
        if figure == "rss":
            peak = run_statement(self._trace, "memory_peaks")[0]["rss"]
            return None if peak is None else Sampled(float(peak), 0.0, 0.0)
        total = _UnitSum()
        total.values = self._stacks(figure).values.sum(axis=0)
        return self.sampled(total, figure)


def _total(figure: str, sides: typing.Sequence[_Side]) -> Change | None:
    first, second = (side.total(figure) for side in sides)
    if first is None or second is None:
        return None
    return _change(sides, (first, second), figure, p_value(first, second))


def _change(
    sides: typing.Sequence[_Side], pair: tuple[Sampled, Sampled], measure: str, chance: float
) -> Change:
    before, after = pair
    return Change(
        before=sides[0].shown(before, measure),
        after=sides[1].shown(after, measure),
        change=Estimate(after.value - before.value, half_width(variance_of_change(before, after))),
        p_value=chance,
        is_beyond_chance=chance < FALSE_DISCOVERY_RATE,
    )


def _rest_on_few(change: Change) -> bool:
    estimated = [side for side in (change.before, change.after) if side.error > 0]
    return bool(estimated) and all(side.rests_on_few for side in estimated)
