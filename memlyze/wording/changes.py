"""What is said of the difference between two recordings."""

from __future__ import annotations

import typing

from memlyze.analyses.diff import Change, Diff, Difference
from memlyze.analyses.estimates import Estimate
from memlyze.analyses.normalised import Place
from memlyze.analyses.scripts import MAIN
from memlyze.wording.names import printable, short_name
from memlyze.wording.places import short_file
from memlyze.wording.units import format_duration

#: What the figures in all are called.
TOTALS = {
    "allocated": "allocated",
    "allocations": "allocations",
    "live": "not freed",
    "peak": "live at the peak",
    "rss": "peak resident",
}
_CALLERS = 4


def unlike_texts(found: Diff) -> list[str]:
    """Why the recordings may not be comparable, a sentence each; none where nothing is known."""
    texts = []
    programs = [short_name(ran.program) for ran in (found.before, found.after)]
    if all(programs) and programs[0] != programs[1]:
        texts.append(f"these are recordings of different programs, {programs[0]} and {programs[1]}")
    versions = [
        printable(".".join(ran.python_version.split(".")[:2]))
        for ran in (found.before, found.after)
    ]
    if all(versions) and versions[0] != versions[1]:
        texts.append(
            f"they ran on Python {versions[0]} and {versions[1]}: the same objects differ in size"
        )
    first = _moment_text(found.peak_before_ns, found.rival_before_ns)
    second = _moment_text(found.peak_after_ns, found.rival_after_ns)
    is_either = found.rival_before_ns is not None or found.rival_after_ns is not None
    if found.beyond_chance_count and is_either:
        texts.append(
            f"the peak was at {first} in the first and at {second} in the second: as much may have "
            "been live at either moment, and the functions below may differ by that alone; "
            "--measure allocated and --measure live compare no moments"
        )
    return texts


def _moment_text(peak_ns: int | None, rival_ns: int | None) -> str:
    moments = [format_duration(moment) for moment in (peak_ns, rival_ns) if moment is not None]
    return " or ".join(moments) or "no moment"


def signed(change: Estimate, form: typing.Callable[[float], str]) -> str:
    if not round(change.value):
        return "="
    sign = "+" if change.value > 0 else "−"
    error = f" ±{form(change.error)}" if change.error else ""
    return f"{sign}{form(abs(change.value))}{error}"


def change_share(change: Change) -> str:
    """How much the change is of what was before: `(+19 %)`."""
    if not round(change.change.value):
        return ""
    if not change.before.value:
        return "(new)"
    if not change.after.value:
        return "(gone)"
    share = 100 * change.change.value / change.before.value
    digits = f"{abs(share):.3g}" if abs(share) < 999.5 else f"{abs(share):.0f}"
    return f"({'+' if share > 0 else '−'}{digits} %)"


def place_text(row: Difference) -> str:
    """The function, its file and its callers. No line: the figures are of all lines of it."""
    name = _name(row.place) + _where(row)
    callers = " ← ".join(_name(place) for place in row.callers[:_CALLERS])
    if callers:
        callers = f" ← {callers}" + (" ← …" if len(row.callers) > _CALLERS else "")
    return printable(name + callers)


def _where(row: Difference) -> str:
    """Its file: in both recordings, where a script has another name in each."""
    position = row.position_after or row.position_before
    is_main = row.place.module == MAIN
    if position is None or not (is_main or (row.place.function and position.line)):
        return ""
    files = [short_file(position.file)]
    if is_main and row.position_before is not None:
        files.insert(0, short_file(row.position_before.file))
    return f" ({' → '.join(dict.fromkeys(files))})"


def _name(place: Place) -> str:
    return short_name(place.function or place.module)
