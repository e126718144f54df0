"""What grew, and does not any more when recording ends."""

from __future__ import annotations

import typing

from memlyze.analyses.estimates import Estimate

Row = typing.Mapping[str, typing.Any]  # of the macro `leaks()`

#: Chance of saying so of any site whose growth is an accident.
_SIGNIFICANCE = 0.01
_MOST_OF_THE_TIME = 0.5


class FreedGrowth(typing.NamedTuple):
    """What grew until the program let go of it."""

    sites: int
    peak_bytes: Estimate
    """Of these sites together."""
    first_freed_ns: int | None
    """Up to when the first of them grew; None: there is no such site."""
    last_freed_ns: int | None


class StoppedGrowth(typing.NamedTuple):
    """What grew for most of the recording, beyond chance, and stopped before its end: in a phase of
    the program that was over then.
    """

    sites: int
    live_bytes: Estimate
    """Of these sites together."""
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
        stopped_ns=max((row["last_growth_ns"] for row in grew), default=None),
        function=greatest.get("function"),
        file=greatest.get("file"),
        line=greatest.get("line"),
    )
