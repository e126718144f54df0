"""Moments of a trace as people write them."""

from __future__ import annotations

import re

from memlyze.analyses.live_series import live_series
from memlyze.analyses.selection import END_NS, EVERYTHING, Selection
from memlyze.analyses.timeline import last_moment_ns
from memlyze.cli.errors import UsageError
from memlyze.query.session import Trace
from memlyze.wording.units import format_duration

HELP = "a time since the start, such as 250ms, 1.5s, 2min or 40%%; start, end or peak"
_UNITS_NS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "min": 60 * 10**9,
    "h": 3600 * 10**9,
}
#: A duration is shown with three digits: typed again, the end may be so much after itself.
_ROUNDED_UP = 1.01
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([a-zµ]+)?")


def parse_duration_ns(text: str) -> int:
    """`250ms`, `1.5s`, `2min`, `1h`; a bare number is seconds. Raises UsageError."""
    match = _DURATION.fullmatch(text.strip().lower())
    unit = (match.group(2) or "s") if match else None
    if match is None or unit not in _UNITS_NS:
        raise UsageError(f"{text!r} is no time; write it as 250ms, 1.5s, 2min or 1h")
    return round(float(match.group(1)) * _UNITS_NS[unit])


def moment_ns(text: str, trace: Trace, selection: Selection = EVERYTHING) -> int:
    """A moment: a duration since the start, a share of the recording, `start`, `end`, or `peak`,
    when most of the selection was live. Raises UsageError.
    """
    word = text.strip().lower()
    if word == "start":
        return 0
    if word == "end":
        return END_NS
    if word == "peak":
        found = live_series(trace, selection._replace(from_ns=0)).greatest_between(
            selection.from_ns, selection.to_ns
        )
        return 0 if found is None else found
    if word.endswith("%"):
        try:
            share = float(word[:-1]) / 100
        except ValueError:
            share = -1.0
        if not 0 <= share <= 1:
            raise UsageError(f"{text!r} is no moment; a share of the recording is 0% to 100%")
        return round(share * last_moment_ns(trace))
    try:
        return parse_duration_ns(word)
    except UsageError:
        raise UsageError(
            f"{text!r} is no moment; write it as 250ms, 1.5s, 40%, start, end or peak"
        ) from None


def recorded_moment_ns(text: str, trace: Trace, selection: Selection = EVERYTHING) -> int:
    """`moment_ns` of what is to be looked at. Raises UsageError for one after the end, too."""
    found = moment_ns(text, trace, selection)
    if is_end(found):
        return found
    last_ns = last_moment_ns(trace)
    if found > last_ns * _ROUNDED_UP:
        raise UsageError(
            f"{text} is after the end: it was recorded until {format_duration(last_ns)}; "
            "take an earlier moment, or end"
        )
    return found


def span_ns(text: str, trace: Trace) -> tuple[int, int]:
    """Two moments, `1s..1.5s`; either may be left out. Raises UsageError."""
    first, dots, last = text.partition("..")
    if not dots:
        raise UsageError(f"{text!r} is no time range; write it as 1s..1.5s, 40%.. or ..2min")
    return (
        moment_ns(first, trace) if first.strip() else 0,
        moment_ns(last, trace) if last.strip() else END_NS,
    )


def is_end(time_ns: int | None) -> bool:
    """Whether a moment is the end of each process's recording."""
    return time_ns is None or time_ns >= END_NS
