"""The options by which a command is told which allocations of a trace to look at."""

from __future__ import annotations

import argparse
import re
import typing

from memlyze.cli.errors import UsageError

if typing.TYPE_CHECKING:
    from memlyze.analyses.selection import Selection

_UNITS_NS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "ms": 10**6,
    "s": 10**9,
    "min": 60 * 10**9,
    "h": 3600 * 10**9,
}
_TIME = re.compile(r"(\d+(?:\.\d*)?|\.\d+) ?(\D*)")


def add_selection_options(parser: argparse.ArgumentParser) -> None:
    """Give a command `--from`, `--to` and `--thread`."""
    parser.add_argument(
        "--from",
        dest="from_time",
        metavar="TIME",
        help="count allocations made at or after this time since the start, such as 1.5s or 2min",
    )
    parser.add_argument(
        "--to", dest="to_time", metavar="TIME", help="count allocations made before this time"
    )
    parser.add_argument(
        "--thread", metavar="THREAD", help="count allocations of one thread: its name or thread_id"
    )


def selection_of(options: argparse.Namespace) -> Selection:
    """What the options choose. Raises UsageError for what is no time."""
    from memlyze.analyses.selection import Selection

    selection = Selection(thread=_thread(options.thread))
    if options.from_time is not None:
        selection = selection._replace(from_ns=parse_time(options.from_time))
    if options.to_time is not None:
        selection = selection._replace(to_ns=parse_time(options.to_time))
    return selection


def _thread(text: str | None) -> int | str | None:
    return int(text) if text is not None and text.isdecimal() else text


def parse_time(text: str) -> int:
    """Nanoseconds of `1.5s`, `250ms`, `2min`, `1h`; without a unit, seconds. Raises UsageError."""
    match = _TIME.fullmatch(text.strip())
    unit = _UNITS_NS.get(match.group(2) or "s") if match else None
    if match is None or unit is None:
        raise UsageError(f"{text!r} is no time; write it like 1.5s, 250ms or 2min")
    return round(float(match.group(1)) * unit)
