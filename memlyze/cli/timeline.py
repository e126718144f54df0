"""`memlyze timeline`: how memory moved, and what was live at its peaks."""

from __future__ import annotations

import argparse
import sys
import typing

from memlyze.analyses.estimates import Estimate
from memlyze.analyses.timeline import BUCKETS, PEAKS, LivePeak, Slice, Timeline, timeline
from memlyze.cli.arguments import CommandParser
from memlyze.cli.opening import open_traces, print_json, title_lines
from memlyze.cli.progress import decoding_progress
from memlyze.cli.selecting import add_selection_options, selection_of
from memlyze.cli.sparkline import bar, sparkline
from memlyze.cli.terminal import Aligned, Style
from memlyze.wording.figures import figure, figure_cells, share_cell, short_figure
from memlyze.wording.peaks import NOTHING_READ, live_when
from memlyze.wording.places import place_of
from memlyze.wording.units import format_bytes, format_count, format_duration

DESCRIPTION = """\
EXAMPLES
  memlyze timeline app.1234.mlyze
  memlyze timeline --table --buckets 20 app.1234.mlyze
  memlyze timeline --time 1s..1.5s app.1234.mlyze
  memlyze timeline --thread MainThread --peaks 5 app.1234.mlyze

Draws resident memory, live memory and what was allocated over time, and names the greatest peaks
with what was live at each. With --table, every slice of time is a row.
"""
_LABEL_WIDTH = 14
_FIGURE_WIDTH = 34
_BAR_WIDTH = 20


def make_parser() -> argparse.ArgumentParser:
    """The parser of the command."""
    parser = CommandParser("timeline", DESCRIPTION)
    parser.add_traces()
    parser.add_count(
        "--buckets",
        default=None,
        help=f"slices of time (default: as many as there is room for, at most {BUCKETS})",
    )
    parser.add_count("--peaks", default=PEAKS, help=f"peaks to name ({PEAKS})", least=0)
    parser.add_argument("--table", action="store_true", help="print each slice as a row")
    parser.add_json()
    add_selection_options(parser)
    return parser


def run(arguments: typing.Sequence[str]) -> int:
    """Run the command; return its exit status."""
    options = make_parser().parse_args(arguments)
    style = Style(sys.stdout)
    buckets = options.buckets
    if buckets is None:
        room = style.width - _LABEL_WIDTH - _FIGURE_WIDTH
        buckets = BUCKETS if options.json else max(min(room, BUCKETS), 10)
    with open_traces(options.traces, only=options.only) as trace, decoding_progress(trace):
        selection = selection_of(options, trace)
        found = timeline(trace, buckets=buckets, peaks=options.peaks, selection=selection)
        processes = 1 if selection.process is not None else len(trace.process_ids)
        lines = title_lines(trace, style)
    if options.json:
        print_json(found)
        return 0
    lines += _table(found.slices, style) if options.table else _curves(found, style, processes)
    print("\n".join([*lines, *_peaks(found.peaks, style, processes)]))
    return 0


def _curves(found: Timeline, style: Style, processes: int) -> list[str]:
    slices = found.slices
    start, end = slices[0].start_ns, slices[-1].end_ns
    width = format_duration(slices[0].end_ns - slices[0].start_ns)
    together = f"; {processes} processes together" if processes > 1 else ""
    lines = [
        f"  {format_duration(start)} to {format_duration(end)}, "
        f"{width} a character; each curve has a scale of its own{together}",
        "",
    ]
    resident = [part.rss for part in slices]
    if any(value is not None for value in resident):
        top = max((value, -place) for place, value in enumerate(resident) if value is not None)
        when = format_duration(slices[-top[1]].start_ns)
        note = f"up to {format_bytes(top[0])} at {when}"
    else:
        note = NOTHING_READ
    lines.append(_curve("resident", resident, note, style))
    live = [part.peak_live_bytes for part in slices]
    note = f"up to {format_bytes(max(live))}"
    if found.peaks:
        first = found.peaks[0]
        note = f"up to {figure(first.live_bytes)} at {format_duration(first.time_ns)}"
    lines.append(_curve("live", live, note, style))
    allocated = [part.allocated_bytes.value for part in slices]
    seconds = (slices[0].end_ns - slices[0].start_ns) / 1e9
    most = max(part.allocated_bytes for part in slices)
    rate = Estimate(most.value / seconds, most.error / seconds)
    note = f"up to {figure(rate)} a second"
    lines.append(_curve("allocated", allocated, note, style))
    collector = [part.gc_duration_ns or None for part in slices]
    if any(collector):
        runs = sum(part.gc_runs for part in slices)
        note = f"{format_count(runs)} runs, {format_duration(sum(filter(None, collector)))}"
        lines.append(_curve("gc", collector, note, style))
    return lines


def _curve(label: str, values: typing.Sequence[float | None], note: str, style: Style) -> str:
    return f"  {label.ljust(_LABEL_WIDTH - 4)}{style(sparkline(values), 'cyan')}  {note}"


def _table(slices: typing.Sequence[Slice], style: Style) -> list[str]:
    table = Aligned(right=(True, True, True, False, True, True, True, False))
    headings = ("from", "resident", "live", "", "allocated", "freed", "gc", "")
    table.add(*headings, looks=["bold"] * len(headings))
    top = max(part.peak_live_bytes for part in slices)
    for part in slices:
        table.add(
            format_duration(part.start_ns),
            "" if part.rss is None else format_bytes(part.rss),
            *figure_cells(part.live_bytes),
            short_figure(part.allocated_bytes),
            short_figure(part.freed_bytes),
            format_duration(part.gc_duration_ns) if part.gc_runs else "",
            bar(part.peak_live_bytes, top, _BAR_WIDTH),
            looks=["", "", "", "", "", "", "", "cyan"],
        )
    return ["", *table.lines(style=style)]


def _peaks(peaks: typing.Sequence[LivePeak], style: Style, processes: int) -> list[str]:
    lines = []
    for peak in peaks:
        size, when = figure(peak.live_bytes), live_when(peak.time_ns, processes)
        lines += ["", f"  {style('peak', 'bold')} of {size} {when}"]
        table = Aligned(right=(True, False, True, False))
        for site in peak.sites:
            share = share_cell(site.held_bytes.value, peak.live_bytes.value)
            table.add(*figure_cells(site.held_bytes), share, place_of(site))
        lines += table.lines(indent="    ", style=style)
    return lines
