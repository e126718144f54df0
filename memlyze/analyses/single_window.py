"""One window, such as a single request, and where it allocated."""

from __future__ import annotations

import typing

from memlyze.analyses.estimates import Estimate
from memlyze.analyses.statements import run_statement
from memlyze.analyses.windows import Window, window_of_row
from memlyze.query.session import Trace


class WindowSite(typing.NamedTuple):
    """A line of the program where a window allocated, chosen as by `hotspots()`."""

    function: str
    file: str
    line: int
    bytes: Estimate
    live_bytes: Estimate
    """Of `bytes`, not freed when recording ended."""
    samples: int


class SingleWindow(typing.NamedTuple):
    """One window and its allocation sites, the greatest first."""

    window: Window
    sites: tuple[WindowSite, ...]


def single_window(trace: Trace, window_id: int, *, count: int = 20) -> SingleWindow | None:
    """The window of this number, with at most `count` sites; None: there is none."""
    rows = run_statement(trace, "single_window", {"window_id": window_id})
    if not rows:
        return None
    sites = run_statement(trace, "window_sites", {"window_id": window_id, "count": count})
    return SingleWindow(
        window_of_row(rows[0]),
        tuple(
            WindowSite(
                row["function"],
                row["file"],
                row["line"],
                Estimate(row["bytes"], row["bytes_error"]),
                Estimate(row["live_bytes"], row["live_bytes_error"]),
                row["samples"],
            )
            for row in sites
        ),
    )
