"""What grew, and does not any more when recording ends."""

from __future__ import annotations

import math
import typing

from memlyze.analyses.estimates import Estimate

Row = typing.Mapping[str, typing.Any]  # of the macro `leaks()`

#: Chance of saying so of any site whose growth is an accident.
_SIGNIFICANCE = 0.01
_MOST_OF_THE_TIME = 0.5
#: What has so much of all that is live, and as many bytes and samples, is worth a second look.
_MUCH = 0.25
_LEAST_BYTES = 1 << 20
_LEAST_SAMPLES = 20


class FreedGrowth(typing.NamedTuple):
    """What grew until the program let go of it."""

    sites: int
    peak_bytes: Estimate
    """Of these sites together."""
    growth_bytes_per_second: Estimate
    """Of these sites together, until they were freed."""
    first_freed_ns: int | None
    """Up to when the first of them grew; None: there is no such site."""
    last_freed_ns: int | None


class StoppedGrowth(typing.NamedTuple):
    """What grew beyond chance and stopped before the end of the recording, with a phase of the
    program. Either that was most of the recording, or what grew has much of what is live, and grows
    if that phase is judged alone.
    """

    sites: int
    live_bytes: Estimate
    """Of these sites together."""
    began_ns: int | None
    """When it began to grow, where that was not for most of the recording; None otherwise."""
    stopped_ns: int | None
    """When the last of them was seen to grow for the last time; None: there is no such site."""
    function: str | None
    """Of the site that has most; None: there is none."""
    file: str | None
    line: int | None


def freed_growth(freed: typing.Iterable[Row]) -> FreedGrowth:
    """Of rows that are `freed_late`, those that grew until then."""
    grew = [row for row in freed if row["grew_until_freed"]]
    until = [row["judged_until_ns"] for row in grew]
    return FreedGrowth(
        sites=len(grew),
        peak_bytes=Estimate.sum(
            Estimate(row["peak_bytes"], row["peak_bytes_error"]) for row in grew
        ),
        growth_bytes_per_second=Estimate.sum(
            Estimate(row["growth_bytes_per_second"], row["growth_error"]) for row in grew
        ),
        first_freed_ns=min(until, default=None),
        last_freed_ns=max(until, default=None),
    )


def stopped_growth(stopped: typing.Iterable[Row], from_ns: int, to_ns: int) -> StoppedGrowth:
    """Of rows that are `one_time`, those that grew for most of what was judged."""
    grew = [
        row
        for row in stopped
        if row["p_value"] <= _SIGNIFICANCE
        and row["last_growth_ns"] - row["growing_since_ns"] >= _MOST_OF_THE_TIME * (to_ns - from_ns)
    ]
    greatest = max(grew, key=lambda row: row["live_bytes"], default={})
    return StoppedGrowth(
        sites=len(grew),
        live_bytes=Estimate.sum(
            Estimate(row["live_bytes"], row["live_bytes_error"]) for row in grew
        ),
        began_ns=None,
        stopped_ns=max((row["last_growth_ns"] for row in grew), default=None),
        function=greatest.get("function"),
        file=greatest.get("file"),
        line=greatest.get("line"),
    )


def greatest_of_a_phase(rows: typing.Collection[Row]) -> Row | None:
    """Of all rows, the one that is `one_time` and has much of what is live, if it grew over a while
    before it stopped.
    """
    all_bytes = sum(row["live_bytes"] for row in rows)
    greatest = max(
        (row for row in rows if row["verdict"] == "one_time"),
        key=lambda row: row["live_bytes"],
        default=None,
    )
    if greatest is None or greatest["live_samples"] < _LEAST_SAMPLES:
        return None
    is_much = greatest["live_bytes"] >= max(_MUCH * all_bytes, _LEAST_BYTES)
    return (
        greatest if is_much and greatest["last_growth_ns"] > greatest["growing_since_ns"] else None
    )


def phase_of(row: Row) -> tuple[int, int]:
    """From when to when it grew, as times that can be typed: in steps of a power of ten that is a
    hundredth of that time or less.
    """
    began, stopped = row["growing_since_ns"], row["last_growth_ns"]
    step = 10 ** max(math.floor(math.log10((stopped - began) / 100)), 0)
    return began // step * step, -(-stopped // step) * step


def stopped_in_phase(row: Row, phase: tuple[int, int]) -> StoppedGrowth:
    """The growth of one site in a phase from one moment to before another."""
    return StoppedGrowth(
        sites=1,
        live_bytes=Estimate(row["live_bytes"], row["live_bytes_error"]),
        began_ns=phase[0],
        stopped_ns=phase[1],
        function=row["function"],
        file=row["file"],
        line=row["line"],
    )
