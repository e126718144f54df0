"""The greatest allocation sites of a trace."""

from __future__ import annotations

import typing

from memlyze.analyses.statements import run_statement
from memlyze.query.session import Trace


class Estimate(typing.NamedTuple):
    """A figure and the half width of its 95 % interval (0: exact)."""

    value: float
    error: float


class Hotspot(typing.NamedTuple):
    """One allocation site, as `hotspots()` chooses it."""

    function: str
    file: str
    line: int
    bytes: Estimate
    """Allocated there during the recording."""
    allocations: Estimate
    live_bytes: Estimate
    """Of `bytes`, not freed when recording ended."""
    held_bytes: Estimate
    """Of `bytes`, live at the moment that was asked for."""
    samples: int
    has_too_few_samples: bool
    """Whether the figures rest on fewer than 10 samples: say so instead of showing them as
    precise.
    """
    inner_function: str | None
    inner_file: str | None
    inner_line: int | None


def hotspots(trace: Trace, *, count: int, moment_ns: int) -> list[Hotspot]:
    """The `count` sites that allocated most, greatest first, with what each held at `moment_ns`."""
    rows = run_statement(trace, "hotspots", {"count": count, "moment_ns": moment_ns})
    return [
        Hotspot(
            function=row["function"],
            file=row["file"],
            line=row["line"],
            bytes=Estimate(row["bytes"], row["bytes_error"]),
            allocations=Estimate(row["allocations"], row["allocations_error"]),
            live_bytes=Estimate(row["live_bytes"], row["live_bytes_error"]),
            held_bytes=Estimate(row["held_bytes"], row["held_bytes_error"]),
            samples=row["samples"],
            has_too_few_samples=row["too_few_samples"],
            inner_function=row["inner_function"],
            inner_file=row["inner_file"],
            inner_line=row["inner_line"],
        )
        for row in rows
    ]
