"""`memlyze peak`: what was live when most was, or at any other moment."""

from __future__ import annotations

import argparse
import sys
import typing

from memlyze.analyses.hotspots import GROUPS, PLACES
from memlyze.analyses.peak import SITES, Moment, ResidentReading, peak
from memlyze.cli.arguments import CommandParser
from memlyze.cli.opening import open_traces, print_json, title_lines
from memlyze.cli.progress import decoding_events
from memlyze.cli.selecting import add_selection_options, selection_of
from memlyze.cli.terminal import Aligned, Style
from memlyze.cli.times import recorded_moment_ns
from memlyze.wording.figures import figure, figure_cells, share_cell, share_look
from memlyze.wording.peaks import NOTHING_READ, live_when, why_not_resident
from memlyze.wording.places import about_unknown, note_of, place_of
from memlyze.wording.resident import describe_resident
from memlyze.wording.units import format_bytes, format_duration

DESCRIPTION = """\
EXAMPLES
  memlyze peak app.1234.mlyze
  memlyze peak --at 1.5s app.1234.mlyze
  memlyze peak --by function --time 10s..20s app.1234.mlyze     the peak of these ten seconds
  memlyze peak --thread worker-1 app.1234.mlyze

Prints what was live at the moment at which most was, who had allocated it, and what the resident
memory consisted of then.
"""
_RESIDENT_WIDTH = 90
_PROCESSES = 5


def make_parser() -> argparse.ArgumentParser:
    """The parser of the command."""
    parser = CommandParser("peak", DESCRIPTION)
    parser.add_traces()
    parser.add_argument(
        "--at", metavar="MOMENT", help="look at another moment: 250ms, 1.5s, 40%%, start or end"
    )
    parser.add_argument(
        "--by", choices=PLACES + GROUPS, default="site", help="what a row is (default: site)"
    )
    parser.add_count("--limit", default=SITES, help=f"rows to show ({SITES})")
    parser.add_json()
    add_selection_options(parser)
    return parser


def run(arguments: typing.Sequence[str]) -> int:
    """Run the command; return its exit status."""
    options = make_parser().parse_args(arguments)
    style = Style(sys.stdout)
    with open_traces(options.traces, only=options.only) as trace, decoding_events(trace):
        selection = selection_of(options, trace)
        found = peak(
            trace,
            moment_ns=None
            if options.at is None
            else recorded_moment_ns(options.at, trace, selection),
            by=options.by,
            count=options.limit,
            selection=selection,
        )
        lines = title_lines(trace, style)
        processes = 1 if selection.process is not None else len(trace.process_ids)
    if options.json:
        print_json(found)
    else:
        print("\n".join([*lines, *render(found, style, processes=processes)]))
    return 0


def render(found: Moment, style: Style, *, processes: int = 1) -> list[str]:
    """The moment as lines of text; of so many processes."""
    facts = Aligned(right=(False, False), wraps=True)
    when = live_when(found.time_ns, processes)
    if found.time_ns == found.peak_time_ns:
        facts.add("peak", f"{figure(found.live_bytes)} live {when}")
    else:
        facts.add("live", f"{figure(found.live_bytes)} {when}")
        peak_when = live_when(found.peak_time_ns, processes)
        facts.add("peak", f"{figure(found.peak_live_bytes)} live {peak_when}")
    resident_bytes = sum(reading.bytes for reading in found.resident) if found.resident else None
    why = why_not_resident(found.live_bytes, found.mapped, resident_bytes)
    if why:
        facts.add("", why)
    if not found.resident:
        facts.add("resident", NOTHING_READ)
    several = len(found.resident) > 1
    for reading in found.resident[:_PROCESSES]:
        for label, text in _resident_lines(reading, style.width, several=several):
            facts.add(label, text)
    if len(found.resident) > _PROCESSES:
        facts.add("", f"and {len(found.resident) - _PROCESSES} more processes")
    lines = facts.lines(style=style)
    if not found.holders.rows:
        return [*lines, "", "  Nothing was live then, of what was asked for."]
    return [*lines, "", *_table(found, style)]


def _resident_lines(
    reading: ResidentReading, width: int, *, several: bool
) -> typing.Iterator[tuple[str, str]]:
    where = f" in process {reading.process_id}" if several else ""
    when = format_duration(reading.time_ns)
    yield "resident", f"{format_bytes(reading.bytes)} at {when}{where}"
    if reading.explained is not None:
        described = describe_resident(reading.explained, min(width - 15, _RESIDENT_WIDTH))
        for number, text in enumerate(described):
            yield "" if number else f"at {format_duration(reading.explained.time_ns)}", text


def _table(found: Moment, style: Style) -> list[str]:
    table = Aligned(right=(True, False, True, False))
    table.add("live", "", "share", found.holders.by, looks=["bold"] * 4)
    rows = found.holders.rows
    for row in rows:
        look = share_look(row.held_bytes.value, found.live_bytes.value)
        share = share_cell(row.held_bytes.value, found.live_bytes.value)
        table.add(
            *figure_cells(row.held_bytes),
            share,
            place_of(row),
            looks=[look, "", look, ""],
            note=note_of(row),
        )
    lines = table.lines(style=style)
    more = found.holders.row_count - len(rows)
    shown = sum(row.held_bytes.value for row in rows)
    rest = found.live_bytes.value - shown
    if more > 0 and rest >= 0.5:
        lines.append(style(f"  and {format_bytes(rest)} of others (--limit)", "dim"))
    return lines + [part for line in about_unknown(rows) for part in style.prose(line)]
