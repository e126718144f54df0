"""`memlyze diff`: what differs between two recordings, beyond chance; and thresholds for CI."""

from __future__ import annotations

import argparse
import sys
import typing

from memlyze.analyses.diff import COUNT, MEASURES, Change, Diff, Difference, diff
from memlyze.analyses.normalised import UNITS
from memlyze.analyses.thresholds import Verdict, judge, parse_threshold
from memlyze.cli.arguments import CommandParser
from memlyze.cli.errors import UsageError
from memlyze.cli.opening import open_traces, print_json
from memlyze.cli.progress import decoding_events
from memlyze.cli.selecting import add_selection_options, selection_of
from memlyze.cli.terminal import Aligned, Style
from memlyze.errors import MemlyzeError
from memlyze.wording.changes import TOTALS, change_share, place_text, signed, unlike_texts
from memlyze.wording.figures import figure, figure_cells
from memlyze.wording.fitting import wrap
from memlyze.wording.names import printable
from memlyze.wording.trace_state import state_lines
from memlyze.wording.units import format_bytes, format_count

DESCRIPTION = """\
EXAMPLES
  memlyze diff before.mlyze after.mlyze
  memlyze diff --by stack --measure allocated before.mlyze after.mlyze
  memlyze diff --fail-on "live > +5%" --fail-on "peak > +20MiB" before.mlyze after.mlyze
                                       exit status 3 when one of them is exceeded: for CI

Compares two recordings of a program, perhaps of two versions of it: in all, and by the functions
that allocate. Lines that moved stay the same. While sampling, what differs by no more than chance
would have it is told apart.
"""
#: What the exit status is when a threshold is exceeded.
EXCEEDED_STATUS = 3
_NOUNS = {"stack": "stacks", "function": "functions", "module": "modules"}
_MEASURES = {
    "peak": "live at the peak",
    "live": "not freed",
    "allocated": "allocated",
    "allocations": "number of allocations",
}
_OUTCOMES = {
    "kept": ("not exceeded", "green"),
    "exceeded": ("EXCEEDED", "red"),
    "uncertain": ("not exceeded (above it, but within chance)", "yellow"),
    "unknown": ("UNKNOWN: of one recording no resident memory was read", "red"),
}


class Answer(typing.NamedTuple):
    """What `memlyze diff --json` prints."""

    diff: Diff
    """The two recordings beside each other."""
    thresholds: tuple[Verdict, ...]
    """What became of each `--fail-on`, in their order."""


def make_parser() -> argparse.ArgumentParser:
    """The parser of the command."""
    parser = CommandParser(
        "diff", DESCRIPTION, usage="memlyze diff [options] before.mlyze after.mlyze"
    )
    parser.add_argument("before", metavar="before.mlyze", help="the first recording")
    parser.add_argument("after", metavar="after.mlyze", help="the second")
    parser.add_argument(
        "--by", choices=UNITS, default="function", help="what a row is (default: function)"
    )
    parser.add_argument(
        "--measure", choices=MEASURES, default="peak", help="what rows compare (default: peak)"
    )
    parser.add_count("--limit", default=COUNT, help=f"rows to show ({COUNT})")
    parser.add_argument(
        "--all", action="store_true", help="show rows that differ within chance, too"
    )
    parser.add_argument(
        "--fail-on",
        action="append",
        default=[],
        metavar="THRESHOLD",
        help="end with exit status 3 when it is exceeded: 'live > +5%%', 'peak > +10MiB', "
        "'rss > 500MiB'; can be given several times",
    )
    parser.add_json()
    add_selection_options(parser)
    return parser


def run(arguments: typing.Sequence[str]) -> int:
    """Run the command; return its exit status."""
    options = make_parser().parse_args(arguments)
    try:
        thresholds = [parse_threshold(text) for text in options.fail_on]
    except MemlyzeError as error:
        raise UsageError(str(error)) from None
    style = Style(sys.stdout)
    with open_traces([options.before], only=options.only) as before, open_traces(
        [options.after], only=options.only
    ) as after, decoding_events(before, after):
        found = diff(
            before,
            after,
            by=options.by,
            measure=options.measure,
            count=options.limit,
            selection=selection_of(options, after, before),
        )
        names = " → ".join(printable(trace.paths[0]) for trace in (before, after))
        lines = [f"{style('memlyze', 'bold')}: {names}"]
        for name, trace in (("first", before), ("second", after)):
            for text in state_lines(trace):
                broken = wrap(f"  ! the {name}: {text}", style.width, indent="    ")
                lines += [style(line, "yellow") for line in broken]
        for text in unlike_texts(found):
            broken = wrap(f"  ! {text}", style.width, indent="    ")
            lines += [style(line, "yellow") for line in broken]
    verdicts = tuple(judge(threshold, found) for threshold in thresholds)
    if options.json:
        print_json(Answer(found, verdicts))
    else:
        lines += [*render(found, style, show_all=options.all), *render_verdicts(verdicts, style)]
        print("\n".join(lines))
    return EXCEEDED_STATUS if any(verdict.is_failure for verdict in verdicts) else 0


def render(found: Diff, style: Style, *, show_all: bool) -> list[str]:
    """The difference as lines of text."""
    lines = ["", *_totals(found, style), ""]
    nouns, measure = _NOUNS[found.by], _MEASURES[found.measure]
    if not found.row_count:
        return [*lines, f"  Neither recording has anything that is {measure}."]
    lines.append(
        f"  {measure}: {found.beyond_chance_count} of {found.row_count} {nouns} differ"
        f"{'s' if found.beyond_chance_count == 1 else ''} beyond chance"
    )
    rows = [row for row in found.rows if show_all or row.figure.is_beyond_chance]
    if not rows:
        return lines
    form = format_count if found.measure == "allocations" else format_bytes
    table = Aligned(right=(True, False, True, False, True, False, False), lesser=((2, 3), (4, 5)))
    table.add("change", "", "before", "", "after", "", found.by, looks=["bold"] * 7)
    for row in rows:
        table.add(*_row_cells(row, form), looks=_looks(row.figure))
    lines += ["", *table.lines(style=style)]
    shown = found.row_count if show_all else found.beyond_chance_count
    if shown > len(rows):
        lines.append(style(f"  and {shown - len(rows)} more (--limit)", "dim"))
    if show_all and not all(row.figure.is_beyond_chance for row in rows):
        lines.append(style("  Rows marked ~ differ by no more than chance would have it.", "dim"))
    return lines


def _totals(found: Diff, style: Style) -> list[str]:
    table = Aligned(
        right=(False, True, False, True, False, True, False, False), lesser=((2,), (4,), (6,))
    )
    table.add("", "before", "", "after", "", "change", "", "", looks=["bold"] * 8)
    for name, change in found.totals.items():
        if change is None:
            table.add(TOTALS[name], "unknown: nothing was read of it in one of them", *[""] * 6)
            continue
        form = format_count if name == "allocations" else format_bytes
        note = "" if change.is_beyond_chance or not change.change.value else "within chance"
        table.add(
            TOTALS[name],
            *figure_cells(change.before, form),
            *figure_cells(change.after, form),
            signed(change.change, form),
            change_share(change),
            note,
            looks=["", "", "", "", "", *_looks(change)[:2], "dim"],
        )
    return table.lines(style=style)


def _row_cells(row: Difference, form: typing.Callable[[float], str]) -> tuple[str, ...]:
    before, after = row.figure.before, row.figure.after
    mark = "" if row.figure.is_beyond_chance else "~ "
    return (
        mark + signed(row.figure.change, form),
        change_share(row.figure),
        *figure_cells(before, form),
        *figure_cells(after, form),
        place_text(row),
    )


def _looks(change: Change) -> list[str]:
    if not change.is_beyond_chance or not change.change.value:
        return ["dim", "dim"]
    return ["red", "red"] if change.change.value > 0 else ["green", "green"]


def render_verdicts(verdicts: typing.Sequence[Verdict], style: Style) -> list[str]:
    """What became of the thresholds, a line each."""
    lines = [""] if verdicts else []
    for verdict in verdicts:
        outcome, look = _OUTCOMES[verdict.outcome]
        measured = _measured(verdict)
        line = f"  {verdict.threshold.text}: {outcome}{f', {measured}' if measured else ''}"
        lines += [style(part, look) for part in style.prose(line)]
    return lines


def _measured(verdict: Verdict) -> str:
    threshold, measured = verdict.threshold, verdict.measured
    if measured is None:
        return "" if verdict.outcome == "unknown" else "there was nothing before"
    if threshold.kind == "relative change":
        error = f" ±{100 * measured.error:.2g} %" if measured.error else ""
        return f"it is {100 * measured.value:+.3g} %{error}"
    form = format_count if threshold.figure == "allocations" else format_bytes
    if threshold.kind == "change":
        return f"it is {signed(measured, form)}"
    return f"it is {figure(measured, form)}"
