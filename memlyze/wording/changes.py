"""What is said of the difference between two recordings."""

from __future__ import annotations

import typing

from memlyze.analyses.diff import Change, Difference
from memlyze.analyses.estimates import Estimate
from memlyze.analyses.normalised import Place, Position
from memlyze.wording.names import printable, short_name
from memlyze.wording.places import short_file

#: What the figures in all are called.
TOTALS = {
    "allocated": "allocated",
    "allocations": "allocations",
    "live": "live at the end",
    "peak": "live at the peak",
    "rss": "peak resident",
}
_CALLERS = 4


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
    name = _name(row.place)
    position = _position(row.position_before, row.position_after) if row.place.function else ""
    callers = " ← ".join(_name(place) for place in row.callers[:_CALLERS])
    if callers:
        callers = f" ← {callers}" + (" ← …" if len(row.callers) > _CALLERS else "")
    return printable(name + (f" ({position})" if position else "") + callers)


def _name(place: Place) -> str:
    return short_name(place.function or place.module)


def _position(before: Position | None, after: Position | None) -> str:
    """`app.py:10`, or `app.py:10→14` where the line has moved."""
    position = after or before
    if position is None or not position.line:
        return ""
    if before is None or after is None or before.line == after.line:
        return f"{short_file(position.file)}:{position.line}"
    return f"{short_file(position.file)}:{before.line}→{after.line}"
