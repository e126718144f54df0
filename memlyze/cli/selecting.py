"""The options by which a command is told what of a trace to count."""

from __future__ import annotations

import argparse

from memlyze.analyses.selection import END_NS, Selection, require_code
from memlyze.cli.errors import UsageError
from memlyze.cli.opening import add_only_option
from memlyze.cli.times import span_ns
from memlyze.query.session import Trace


def add_selection_options(parser: argparse.ArgumentParser) -> None:
    """Give a command `--time`, `--thread`, `--window`, `--function`, `--file` and `--only`."""
    group = parser.add_argument_group("what to count")
    add_time_option(group, "only what was allocated between two moments")
    group.add_argument(
        "--thread", metavar="NAME", help="only what a thread allocated: its name, or thread_id"
    )
    group.add_argument(
        "--window",
        metavar="NAME",
        help="only what was allocated in the windows of a name ('/search', or with its method 'GET "
        "/search') and those inside, or by window_id",
    )
    group.add_argument(
        "--function",
        metavar="PATTERN",
        help="only what this function, or what it called, allocated: load, 'Session.*'",
    )
    group.add_argument(
        "--file", metavar="PATTERN", help="only what code of this file led to: models.py, '*/app/*'"
    )
    add_only_option(group)


def add_time_option(
    parser: argparse.ArgumentParser | argparse._ArgumentGroup, meaning: str
) -> None:
    """Give a command `--time`."""
    parser.add_argument("--time", metavar="FROM..TO", help=f"{meaning}: 1s..1.5s, 40%%.. or ..2min")


def chosen_span_ns(options: argparse.Namespace, trace: Trace) -> tuple[int, int]:
    """What `--time` chooses; all where it was not given. Raises UsageError."""
    from_ns, to_ns = span_ns(options.time, trace) if options.time else (0, END_NS)
    if from_ns > to_ns:
        raise UsageError(f"the time range {options.time} ends before it begins")
    return from_ns, to_ns


def selection_of(options: argparse.Namespace, trace: Trace, *others: Trace) -> Selection:
    """What the options choose. Raises UsageError for what cannot be meant, and SelectionError for
    code that neither this trace nor one of the `others` has.
    """
    from_ns, to_ns = chosen_span_ns(options, trace)
    selection = Selection(
        from_ns=from_ns,
        to_ns=to_ns,
        thread=_name_or_number(options.thread),
        window=_name_or_number(options.window),
        function=options.function,
        file=options.file,
    )
    require_code(selection, trace, *others)
    return selection


def _name_or_number(text: str | None) -> str | int | None:
    return int(text) if text is not None and text.isdecimal() else text
