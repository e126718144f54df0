"""`memlyze windows`: what requests, tasks and other windows take."""

from __future__ import annotations

import argparse
import sys
import typing

from memlyze.analyses.estimates import Estimate, Sampling
from memlyze.analyses.sampling import sampling_of
from memlyze.analyses.windows import ORDERS, Growth, Holder, Route, Window, Windows, windows
from memlyze.cli.arguments import CommandParser
from memlyze.cli.opening import add_only_option, open_traces, print_json, titled, typed_paths
from memlyze.cli.progress import decoding_events
from memlyze.cli.terminal import Aligned, Style
from memlyze.wording.figures import FEW_SAMPLES_ADVICE, figure, figure_cells, short_figure
from memlyze.wording.fitting import shorten_middle, wrap
from memlyze.wording.names import printable, short_name
from memlyze.wording.sampling import sampling_text
from memlyze.wording.trace_state import state_lines
from memlyze.wording.units import format_bytes, format_count, format_duration, format_error, plural

DESCRIPTION = """\
EXAMPLES
  memlyze windows memlyze-1234.mlyze
  memlyze windows memlyze-*.mlyze              all workers as one
  memlyze windows --sort live memlyze-1234.mlyze
  memlyze windows --kind http --worst 20 memlyze-1234.mlyze
  memlyze windows --json memlyze-1234.mlyze

Prints, for each route of a web application (and each other kind of window), how many requests
there were, what they allocated and held, and whether what they leave behind grows; the single
requests that took most; and who held what when the heap was greatest. Figures of a sampled trace
are estimates, shown with their 95 % interval.
"""

_ROUTES = 20
_WORST = 5
# Longer lines of prose are hard to read.
_PROSE_WIDTH = 90
# A smaller share of a figure is no error to speak of.
_LEAST_ERROR = 0.0005
# More than this share of a figure is most of it.
_MUCH = 0.5
# Of fewer windows the greatest may have most though it is like the others.
_LEAST_OTHERS = 10
#: How middlewares name a request of which they find out no route.
_NO_ROUTE = "(no route)"
_REQUESTS = ("http", "websocket")
_NEARLY_ALL = 0.9
_VERDICT_WORDS = {"grows": "grows", "steady": "steady", "unknown": "?"}


def make_parser() -> argparse.ArgumentParser:
    """The parser of the command."""
    parser = CommandParser("windows", DESCRIPTION)
    parser.add_traces()
    parser.add_argument(
        "--sort",
        choices=ORDERS,
        default="allocated",
        help="put first what has most of this (default: allocated)",
    )
    parser.add_argument("--kind", help="only windows of this kind, such as http or call")
    parser.add_count(
        "--routes", default=_ROUTES, help=f"routes to show (default: {_ROUTES})", least=0
    )
    parser.add_count(
        "--worst", default=_WORST, help=f"single requests to show (default: {_WORST})", least=0
    )
    add_only_option(parser)
    parser.add_json()
    return parser


def run(arguments: typing.Sequence[str]) -> int:
    """Run the command; return its exit status."""
    options = make_parser().parse_args(arguments)
    with open_traces(options.traces, only=options.only) as trace, decoding_events(trace):
        found = windows(trace, sort_by=options.sort, kind=options.kind, count=options.worst)
        state = state_lines(trace)
        paths, sampling = trace.paths, sampling_of(trace)
    if options.json:
        print_json(found)
        return 0
    style = Style(sys.stdout)
    lines = render(
        found,
        paths,
        state,
        style,
        typed=typed_paths(options.traces),
        sampling=sampling,
        routes=options.routes,
        kind=options.kind,
    )
    print("\n".join(lines))
    return 0


def render(
    found: Windows,
    paths: typing.Sequence[str],
    state: typing.Sequence[str],
    style: Style,
    *,
    typed: str,
    sampling: Sampling,
    routes: int = _ROUTES,
    kind: str | None = None,
) -> list[str]:
    """The windows as lines of text; `typed` is what to type for the same traces, `sampling` how
    closely they were recorded.
    """
    lines = titled(paths, state, style)
    if not found.windows:
        what = f"no windows of the kind {kind}" if kind else "no windows"
        return lines + _explained(
            f"There are {what} in this trace. A web application has one for each request with "
            "a middleware of memlyze.integrations; any program with memlyze.window and "
            "memlyze.profile.",
            style,
        )
    lines += ["", *_routes(found.routes[:routes], style)]
    left = len(found.routes) - routes
    if left > 0:
        lines.append(f"  and {left} more: --routes {len(found.routes)}")
    lines += _unrouted(found.routes, style)
    lines += _skewed(found.routes[:routes], style)
    lines += ["", *_outside(found, typed, style)]
    lines += _where_growth_is(found, typed, sampling, style)
    if found.worst:
        lines += ["", *_worst(found.worst, style)]
    if found.at_peak is not None and found.at_peak.holders:
        peak = found.at_peak
        title = style.prose(
            f"  who held the {figure(peak.live_bytes)} that were live at the peak, at "
            f"{format_duration(peak.time_ns)}"
        )
        lines += ["", *(style(line, "bold") for line in title)]
        lines += _holders(peak.holders, style, is_exact=found.is_exact)
    if any("~" in line or "few samples" in line for line in lines):
        lines += ["", *style.prose(f"  ~ means {FEW_SAMPLES_ADVICE}")]
    return lines


def _where_growth_is(found: Windows, typed: str, sampling: Sampling, style: Style) -> list[str]:
    growths = [route.growth for route in found.routes]
    command = f"memlyze leaks {typed}"
    # Where nothing seems to be left, there is nothing to be looked for.
    is_open = any(
        growth.verdict == "unknown" and growth.bytes_per_window.value >= 1 for growth in growths
    )
    lines = []
    if any(growth.verdict == "grows" for growth in growths):
        text = "  What grows on to the end, by line:"
        lines += style.prose(text, command=command)
    elif is_open:
        text = (
            "  What leaves something behind and has a ? may grow: memlyze leaks judges it by line,"
        )
        lines += style.prose(text + " which needs fewer samples:", command=command)
    if is_open and not sampling.is_exact:
        lines += style.prose(
            f"  A ? may come of too few samples. Recorded was {sampling_text(sampling)}; "
            "a smaller sample_interval, an option of the middleware (--sample-interval of memlyze "
            "record), has more."
        )
    return lines


def _unrouted(routes: typing.Sequence[Route], style: Style) -> list[str]:
    """What to do where the middleware found out no route of nearly all requests."""
    requests = sum(route.windows for route in routes if route.kind in _REQUESTS)
    unrouted = sum(route.windows for route in routes if route.name == _NO_ROUTE)
    if not unrouted or unrouted < _NEARLY_ALL * requests:
        return []
    return style.prose(
        "  No route is known of these requests, so that only their methods tell them apart. Give "
        "the middleware a function that names them, its option route_name."
    )


def _routes(routes: typing.Sequence[Route], style: Style) -> list[str]:
    table = Aligned(
        right=(True, True, True, True, True, True, True, False, False),
        lesser=((4,), (3,), (5,), (2,), (1,), (0,)),
        fit=shorten_middle,
    )
    heads = ("count", "allocated", "each", "95 %", "peak", "held at end", "left by each", "")
    table.add(*heads, "route", looks=["bold"] * (len(heads) + 1))
    for route in routes:
        failed = f"  ({plural(route.failed, 'failed', 'failed')})" if route.failed else ""
        grows = route.growth.verdict == "grows"
        table.add(
            format_count(route.windows),
            _figure(route.allocated_bytes),
            short_figure(route.allocated.mean),
            _placed(route.allocated.p95),
            _placed(route.max_peak_bytes),
            _figure(route.live_bytes),
            _growth(route.growth),
            _VERDICT_WORDS[route.growth.verdict],
            _label(route.method, route.name, route.kind) + failed,
            looks=["red"] * (len(heads) + 1) if grows else [],
        )
    return table.lines(style=style)


def _placed(estimate: Estimate) -> str:
    """What a window at some place among its like has: where that is due to chance, nothing."""
    return "few samples" if estimate.rests_on_few else _figure(estimate)


def _growth(growth: Growth) -> str:
    value, error = growth.bytes_per_window
    if growth.windows == 0:
        return "–"
    if value < 1:  # a byte in a few of them: nothing
        return f"under {format_bytes(error)}" if error >= 1 else "0 B"
    if growth.verdict == "unknown":
        return _figure(growth.bytes_per_window)
    # What windows leave behind differs from one to the next, in an exact trace as well.
    shown = format_error(value, error) if error > _LEAST_ERROR * value else ""
    return f"{format_bytes(value)} {shown}".rstrip()


def _skewed(routes: typing.Sequence[Route], style: Style) -> list[str]:
    """Where one request took so much that the mean says nothing of the others."""
    lines = []
    for route in routes:
        spread, total = route.allocated, route.allocated_bytes
        if route.windows < _LEAST_OTHERS or spread.max.value <= _MUCH * total.value:
            continue
        if spread.max.rests_on_few:  # a single sample is always in a single one
            continue
        rest = Estimate(total.value - spread.max.value, total.error)
        others = Estimate(rest.value / (route.windows - 1), rest.error / (route.windows - 1))
        first = ", the first, as where it warms up" if route.greatest_is_first else ""
        lines += style.prose(
            f"  {_label(route.method, route.name, route.kind)}: {_figure(spread.max)} of it in a "
            f"single one{first}; without it {short_figure(others)} each"
        )
    return ["", *lines] if lines else []


def _outside(found: Windows, typed: str, style: Style) -> list[str]:
    outside, before = found.unattributed_bytes, found.before_first_bytes
    share = outside.value / found.allocated_bytes if found.allocated_bytes else 0
    text = f"  {_figure(outside)} ({100 * share:.0f} %) were allocated in no window"
    if round(before.value):
        text += f", {short_figure(before)} of it before the first one"
    if share < _MUCH:
        return style.prose(text)
    explained = _explained(
        "In no window is what runs at the start, between requests, in threads of its own, and in "
        "what no middleware wraps. memlyze.window(...) and memlyze.profile make windows of it, "
        "memlyze.carry takes them into threads;",
        style,
    )
    which = style.prose("  which lines it is:", command=f"memlyze hotspots {typed}")
    return [*style.prose(f"{text}."), *explained, *which]


def _explained(text: str, style: Style) -> list[str]:
    return wrap("  " + text, min(style.width, _PROSE_WIDTH), indent="  ")


def _worst(worst: typing.Sequence[Window], style: Style) -> list[str]:
    table = Aligned(
        right=(True, True, True, True, True, True, True, False),
        lesser=((5,), (3,), (1,), (4,), (2,)),
        fit=shorten_middle,
    )
    heads = ("allocated", "peak", "kept", "at", "took", "status", "window", "the greatest single")
    table.add(*heads, looks=["bold"] * len(heads))
    for window in worst:
        table.add(
            _figure(window.allocated_bytes),
            _figure(window.peak_bytes),
            _figure(window.retained_bytes),
            format_duration(window.start_ns),
            format_duration(window.duration_ns) if window.duration_ns is not None else "open",
            str(window.status or ""),
            str(window.window_id),
            _label(window.method, window.name, window.kind),
        )
    return table.lines(style=style)


def _holders(holders: typing.Sequence[Holder], style: Style, *, is_exact: bool) -> list[str]:
    table = Aligned(right=(True, False), wraps=True)
    for holder in holders:
        if holder.name is None:
            label = "allocated in no window"
        else:
            # Of the windows without a sample nothing is known.
            seen = format_count(holder.windows) if is_exact else f"{holder.windows} or more"
            one = f": window {holder.window_id}" if holder.windows == 1 else ""
            label = _label(holder.method, holder.name, holder.kind or "")
            label += f"  ({seen} of {plural(holder.of_windows, 'window', 'windows')}{one})"
        table.add(_figure(holder.bytes), label)
    return table.lines(style=style)


def _label(method: str | None, name: str, kind: str) -> str:
    is_named_by_program = kind in ("window", "call")  # the others have their names at their ends
    shown = short_name(name) or ("(no name)" if is_named_by_program else "(not finished)")
    if method:
        return f"{printable(method)} {shown}"
    return shown if is_named_by_program else f"{printable(kind)} {shown}"


def _figure(estimate: Estimate) -> str:
    """An estimate as there is room for it: what `~` means is said below."""
    return " ".join(part for part in figure_cells(estimate, note="") if part)
