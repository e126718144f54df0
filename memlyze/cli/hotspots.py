"""`memlyze hotspots`: where memory is allocated, by anything that it can be summed by."""

from __future__ import annotations

import argparse
import sys
import typing

from memlyze.analyses.hotspots import (
    GROUPS,
    PLACES,
    SORTS,
    TEMPORARY_NS,
    UNKNOWN_TYPE,
    Hotspot,
    Hotspots,
    hotspots,
)
from memlyze.cli.arguments import CommandParser
from memlyze.cli.opening import open_traces, print_json, title_lines
from memlyze.cli.progress import decoding_progress
from memlyze.cli.selecting import add_selection_options, selection_of
from memlyze.cli.terminal import Aligned, Style
from memlyze.cli.times import parse_duration_ns, recorded_moment_ns
from memlyze.wording.figures import FEW_SAMPLES_LINE, figure, figure_cells, share_cell, share_look
from memlyze.wording.places import about_unknown, note_of, place_of
from memlyze.wording.units import format_count, format_duration

DESCRIPTION = """\
EXAMPLES
  memlyze hotspots app.1234.mlyze
  memlyze hotspots --by function --sort live app.1234.mlyze
  memlyze hotspots --sort peak --at 1.5s app.1234.mlyze     what was live then
  memlyze hotspots --sort temporary --within 10ms app.1234.mlyze
  memlyze hotspots --sort temporary --temporary-allocations 1 app.1234.mlyze
  memlyze hotspots --by type --sort live app.1234.mlyze
  memlyze hotspots --time 1s..1.5s --thread MainThread app.1234.mlyze
  memlyze hotspots --function 'Session.*' --by line app.1234.mlyze

Prints who allocates most, keeps most, or makes most that is freed at once: by line of the program
(site), innermost line, function, file, module, thread, window, process or object type. Figures of a
sampled trace are estimates, shown with their 95 % interval.
"""
COUNT = 20
# From this width on there is room for all columns.
_WIDE = 130
# What is sorted by these stands beside what was allocated.
_SORTED_BESIDE = {"allocations": "count", "lifetime": "mean life"}
# Such a share without a type is worth a word.
_MUCH_UNKNOWN = 0.1
_NOUNS = {
    "site": ("site", "sites"),
    "line": ("line", "lines"),
    "function": ("function", "functions"),
    "file": ("file", "files"),
    "module": ("module", "modules"),
    "thread": ("thread", "threads"),
    "window": ("name of a window", "names of windows"),
    "process": ("process", "processes"),
    "type": ("type", "types"),
}


def make_parser() -> argparse.ArgumentParser:
    """The parser of the command."""
    parser = CommandParser("hotspots", DESCRIPTION)
    parser.add_traces()
    parser.add_argument(
        "--by", choices=PLACES + GROUPS, default="site", help="what a row is (default: site)"
    )
    parser.add_argument(
        "--sort",
        choices=SORTS,
        help="greatest first (default: allocated; by type live, as what is freed has no type)",
    )
    parser.add_argument(
        "--at",
        metavar="MOMENT",
        default="peak",
        help="the moment of --sort peak: 1.5s, 40%%, end, or peak, when most was live (default)",
    )
    soon = parser.add_mutually_exclusive_group()
    soon.add_argument(
        "--within",
        metavar="TIME",
        default=f"{TEMPORARY_NS // 1_000_000}ms",
        help="temporary is what is freed within this time (default: 1ms)",
    )
    parser.add_count(
        "--temporary-allocations",
        default=None,
        help="temporary is what its thread frees before it makes so many further allocations",
        group=soon,
    )
    parser.add_count("--limit", default=COUNT, help=f"rows to show ({COUNT})")
    parser.add_json()
    add_selection_options(parser)
    return parser


def run(arguments: typing.Sequence[str]) -> int:
    """Run the command; return its exit status."""
    options = make_parser().parse_args(arguments)
    style = Style(sys.stdout)
    with open_traces(options.traces, only=options.only) as trace, decoding_progress(trace):
        selection = selection_of(options, trace)
        sort = options.sort or ("live" if options.by == "type" else "allocated")
        found = hotspots(
            trace,
            by=options.by,
            sort=sort,
            count=options.limit,
            moment_ns=recorded_moment_ns(options.at if sort == "peak" else "end", trace, selection),
            temporary_ns=parse_duration_ns(options.within),
            within_allocations=options.temporary_allocations,
            selection=selection,
        )
        lines = title_lines(trace, style)
    if options.json:
        print_json(found)
    else:
        print("\n".join([*lines, *render(found, style)]))
    return 0


def render(found: Hotspots, style: Style) -> list[str]:
    """Hotspots as lines of text."""
    if found.total is None:
        return ["  Nothing was allocated, of what was asked for."]
    total = found.total
    lines = [
        *style.prose(
            f"  {figure(total.bytes)} allocated in "
            f"{figure(total.allocations, format_count)} allocations, "
            f"{figure(total.live_bytes)} not freed, "
            f"{share_cell(total.temporary_bytes.value, total.bytes.value)} "
            f"freed {_soon(found)}"
        ),
        "",
    ]
    lines += _table(found, total, style)
    more = found.row_count - len(found.rows)
    if more > 0:
        one, many = _NOUNS[found.by]
        lines.append(style(f"  and {more} more {one if more == 1 else many} (--limit)", "dim"))
    spacing = total.allocations.value / total.samples
    if found.within_allocations is not None and spacing > 1:
        lines += style.prose(
            f"  About 1 of {format_count(spacing)} allocations was recorded. Lives of fewer cannot "
            "be told apart:"
        )
        lines += style.prose(
            "  what is temporary is an upper bound; record with --sample-rate 1.0 for the number."
        )
    for line in [*_about_types(found, total), *about_unknown(found.rows)]:
        lines += style.prose(line)
    if any(row.has_too_few_samples for row in found.rows):
        lines += style.prose(FEW_SAMPLES_LINE)
    return lines


def _about_types(found: Hotspots, total: Hotspot) -> list[str]:
    """How more types become known, where much has none."""
    unknown = sum(row.bytes.value for row in found.rows if row.name == UNKNOWN_TYPE)
    if unknown < _MUCH_UNKNOWN * total.bytes.value:
        return []
    return [
        "  Types are known of objects that were live at a checkpoint; one is taken at the end.",
        "  For what is freed before, take some while it lives: memlyze record",
        "  --checkpoint-interval-s 10, or memlyze.checkpoint() in the program.",
    ]


def _soon(found: Hotspots) -> str:
    number = found.within_allocations
    if number is None:
        return f"within {format_duration(found.temporary_ns)}"
    if number == 1:
        return "before their thread made another"
    return f"before their thread made {format_count(number)} others"


class _Column(typing.NamedTuple):
    heading: str
    right: bool
    cells: typing.Callable[[Hotspot], tuple[str, ...]]


def _columns(found: Hotspots, total: Hotspot, *, is_wide: bool) -> list[_Column]:
    """The columns, those that the rows are sorted by first among the figures."""
    # Of processes that ended before others, what is left was not live at the end of all.
    held = "not freed"
    if found.moment_ns is not None:
        held = f"live at {format_duration(found.moment_ns)}"
    estimates: dict[str, _Column] = {
        "allocated": _estimate_column("allocated", lambda row: row.bytes, total),
        "live": _estimate_column("not freed", lambda row: row.live_bytes, total),
        "peak": _estimate_column(held, lambda row: row.held_bytes, total),
        "temporary": _estimate_column("temporary", lambda row: row.temporary_bytes, total),
    }
    first = found.sort if found.sort in estimates else "allocated"
    order = [first, *(name for name in ("allocated", "live") if name != first)]
    columns = [estimates[name] for name in (order if is_wide else order[:2])]
    count = _Column("count", True, lambda row: figure_cells(row.allocations, format_count))
    temporary = _Column(
        "temporary", True, lambda row: (share_cell(row.temporary_bytes.value, row.bytes.value),)
    )
    life = _Column(
        "mean life",
        True,
        lambda row: (_lifetime(row.mean_lifetime_ns),),
    )
    if is_wide or found.sort == "allocations":
        columns.append(count)
    if is_wide and first != "temporary":
        columns.append(temporary)
    if is_wide or found.sort == "lifetime":
        columns.append(life)
    return columns


def _lifetime(lifetime_ns: float | None) -> str:
    if lifetime_ns is None:
        return ""
    # The clock of a trace does not see less.
    return format_duration(lifetime_ns) if lifetime_ns >= 1e6 else "<1 ms"


def _estimate_column(
    heading: str, get: typing.Callable[[Hotspot], typing.Any], total: Hotspot
) -> _Column:
    def cells(row: Hotspot) -> tuple[str, ...]:
        return (*figure_cells(get(row)), share_cell(get(row).value, get(total).value))

    return _Column(heading, True, cells)


def _table(found: Hotspots, total: Hotspot, style: Style) -> list[str]:
    columns = _columns(found, total, is_wide=style.width >= _WIDE)
    shapes = [len(column.cells(total)) for column in columns]
    starts = [sum(shapes[:place]) for place in range(len(shapes))]
    table = Aligned(
        right=[place % 2 == 0 for size in shapes for place in range(size)] + [False],
        lesser=[
            range(starts[place] + first, starts[place] + shapes[place])
            for place in range(len(columns) - 1, 0, -1)
            if columns[place].heading != _SORTED_BESIDE.get(found.sort)
            # A figure with its error is worth more than its share.
            for first in ((2, 0) if shapes[place] > 2 else (0,))
        ],
    )
    heading = [
        text
        for column, size in zip(columns, shapes)
        for text in (column.heading, *[""] * (size - 1))
    ]
    table.add(*heading, found.by, looks=["bold"] * (len(heading) + 1))
    for row in found.rows:
        share = columns[0].cells(row)
        look = share_look(_sorted_by(found, row), _sorted_by(found, total))
        cells = [cell for column in columns for cell in column.cells(row)]
        looks = [look if place < len(share) else "" for place in range(len(cells))]
        table.add(*cells, place_of(row), looks=looks, note=note_of(row))
    return table.lines(style=style)


def _sorted_by(found: Hotspots, row: Hotspot) -> float:
    figures = {"live": row.live_bytes, "peak": row.held_bytes, "temporary": row.temporary_bytes}
    return figures.get(found.sort, row.bytes).value
