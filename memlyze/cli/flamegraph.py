"""`memlyze flamegraph`: the call tree with what was allocated, or is live, as text or JSON."""

from __future__ import annotations

import argparse
import sys
import typing

from memlyze.analyses.flamegraph import GROUPS, MERGES, NODES, FlameGraph, Measure, flamegraph
from memlyze.analyses.hotspots import TEMPORARY_NS
from memlyze.analyses.selection import END_NS, Selection
from memlyze.cli.arguments import CommandParser
from memlyze.cli.call_tree import tree_lines
from memlyze.cli.opening import open_traces, print_json, title_lines
from memlyze.cli.progress import decoding_progress
from memlyze.cli.selecting import add_selection_options, selection_of
from memlyze.cli.terminal import Style
from memlyze.cli.times import parse_duration_ns, recorded_moment_ns
from memlyze.query.session import Trace
from memlyze.wording.units import format_duration

DESCRIPTION = """\
EXAMPLES
  memlyze flamegraph app.1234.mlyze                   all that was allocated
  memlyze flamegraph --live app.1234.mlyze            what was not freed
  memlyze flamegraph --live-at peak app.1234.mlyze    what was live at the peak
  memlyze flamegraph --time 1s..1.5s --live app.1234.mlyze
                                                      born in a spike and still alive
  memlyze flamegraph --difference 1s 5s app.1234.mlyze
  memlyze flamegraph --inverted --merge function app.1234.mlyze
  memlyze flamegraph --by thread --json app.1234.mlyze

Prints the call tree: for each function what it and all that it called allocated, or had live at a
moment. Branches that matter little are left out (--min-share), and the frames of servers and
frameworks that lead to code of the program are one row (--unfold). The web page of memlyze serve
and the report draw the same tree.
"""
_MIN_SHARE = 1.0


def make_parser() -> argparse.ArgumentParser:
    """The parser of the command."""
    parser = CommandParser("flamegraph", DESCRIPTION)
    parser.add_traces()
    measure = parser.add_mutually_exclusive_group()
    measure.add_argument("--live", action="store_true", help="count only what was never freed")
    measure.add_argument(
        "--live-at",
        metavar="MOMENT",
        help="count only what was live at 1.5s, 40%%, end, or peak, when most was live",
    )
    measure.add_argument(
        "--temporary",
        metavar="TIME",
        nargs="?",
        const=f"{TEMPORARY_NS // 1_000_000}ms",
        help="count only what was freed within this time (1ms)",
    )
    measure.add_argument(
        "--difference",
        nargs=2,
        metavar=("FROM", "TO"),
        help="compare what was live at two moments",
    )
    parser.add_argument(
        "--inverted", action="store_true", help="innermost functions first, their callers beneath"
    )
    parser.add_argument(
        "--merge",
        choices=MERGES,
        default="line",
        help="what makes two frames the same (default: line)",
    )
    parser.add_argument("--by", choices=GROUPS, help="a tree for each of these")
    parser.add_argument(
        "--min-share",
        type=float,
        default=_MIN_SHARE,
        metavar="PERCENT",
        help=f"leave out branches with less than this of the total (default: {_MIN_SHARE:g})",
    )
    parser.add_argument(
        "--unfold",
        action="store_true",
        help="show each frame of the servers and frameworks that lead to code of the program",
    )
    parser.add_argument(
        "--all-frames",
        action="store_true",
        help="the same, and frames that no person wrote, such as those of the import system",
    )
    parser.add_count(
        "--nodes",
        default=NODES,
        help=f"the greatest that are computed, for --json as well (default: {NODES})",
    )
    parser.add_json()
    add_selection_options(parser)
    return parser


def run(arguments: typing.Sequence[str]) -> int:
    """Run the command; return its exit status."""
    parser = make_parser()
    options = parser.parse_args(arguments)
    if not 0 <= options.min_share <= 100:
        parser.error(f"--min-share is a percentage, 0 to 100, not {options.min_share:g}")
    style = Style(sys.stdout)
    with open_traces(options.traces, only=options.only) as trace, decoding_progress(trace):
        selection = selection_of(options, trace)
        measure, before, words = _measure(options, trace, selection)
        graph = flamegraph(
            trace,
            selection=selection,
            measure=measure,
            before=before,
            inverted=options.inverted,
            merge=options.merge,
            group=options.by,
            nodes=options.nodes,
        )
        lines = title_lines(trace, style)
    if options.json:
        print_json(graph)
        return 0
    lines += render(
        graph,
        words,
        options.min_share / 100,
        style,
        all_frames=options.all_frames,
        unfold=options.unfold,
    )
    print("\n".join(lines))
    return 0


def _measure(
    options: argparse.Namespace, trace: Trace, selection: Selection
) -> tuple[Measure, Measure | None, str]:
    """What to count, and what to compare it with; and what it is in words."""
    if options.difference:
        first, last = (recorded_moment_ns(text, trace, selection) for text in options.difference)
        words = f"{_live(last)}, and how much more than what was {_live(first)}"
        return Measure(live_at_ns=last), Measure(live_at_ns=first), words
    if options.live or options.live_at:
        moment = recorded_moment_ns(options.live_at or "end", trace, selection)
        return Measure(live_at_ns=moment), None, _live(moment)
    if options.temporary:
        within = parse_duration_ns(options.temporary)
        words = f"allocated and freed within {format_duration(within)}"
        return Measure(within_ns=within), None, words
    return Measure(), None, "allocated"


def _live(time_ns: int) -> str:
    # What is left at the end is so at the end of each process.
    return "not freed" if time_ns >= END_NS else f"live at {format_duration(time_ns)}"


def render(
    graph: FlameGraph,
    words: str,
    least_share: float,
    style: Style,
    *,
    all_frames: bool,
    unfold: bool,
) -> list[str]:
    """The tree as lines of text."""
    root = graph.nodes[0]
    if not root.bytes.value and not (root.before_bytes and root.before_bytes.value):
        return ["  Nothing was allocated, of what was asked for."]
    tree = tree_lines(graph, least_share, style, all_frames=all_frames, unfold=unfold)
    lines = [f"  {words}", "", *tree]
    if graph.is_cut:
        lines.append(
            style(f"  The {len(graph.nodes)} greatest places were computed (--nodes).", "dim")
        )
    return lines
