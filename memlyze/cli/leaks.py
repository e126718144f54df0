"""`memlyze leaks`: what grows without bound, what merely stays, and how sure that is."""

from __future__ import annotations

import argparse
import sys
import typing

from memlyze.analyses.call_stacks import Frame
from memlyze.analyses.ended_growth import StoppedGrowth
from memlyze.analyses.leak_sites import Leaks, LeakSite
from memlyze.analyses.leaks import SITE_KINDS, VERDICTS, leaks
from memlyze.cli.arguments import CommandParser
from memlyze.cli.opening import add_only_option, open_traces, print_json, titled, typed_paths
from memlyze.cli.progress import decoding_progress
from memlyze.cli.selecting import add_time_option, chosen_span_ns
from memlyze.cli.sparkline import sparkline
from memlyze.cli.terminal import Aligned, Style
from memlyze.wording.figures import figure, figure_cells, short_figure
from memlyze.wording.fitting import shorten_place
from memlyze.wording.leaks import (
    TOO_FEW_TEXT,
    WORDS,
    confidence_text,
    curve_word,
    freed_growth_text,
    growing_text,
    held_by_lines,
    live_word,
    more_suspects_text,
    part_text,
    pause_text,
    processes_text,
    stopped_growth_command,
    stopped_growth_text,
    total_text,
)
from memlyze.wording.names import printable
from memlyze.wording.places import short_place
from memlyze.wording.trace_state import state_lines
from memlyze.wording.units import format_duration, plural
from memlyze.wording.unseen import unseen_text

DESCRIPTION = """\
EXAMPLES
  memlyze leaks app.1234.mlyze
  memlyze leaks --site function app.1234.mlyze
  memlyze leaks --all app.1234.mlyze           also what is bounded, was built once, comes and goes
  memlyze leaks --time 10min.. app.1234.mlyze  what grew since then
  memlyze leaks --json app.1234.mlyze

Prints the sites whose live memory grows without bound: how much is live, how fast it grows, since
when, how much of what was allocated stays, and how sure that is. docs/leaks.md says how it is
told from caches that fill, one-time initialisation, warming up and what waits for the collector.
"""

_SITES = 10
#: What is listed without being asked for; and of what was freed, what grew until then.
_NEED_ATTENTION = ("growing", "warming_up")
_CURVE_WIDTH = 30
_STACK_FRAMES = 8


def make_parser() -> argparse.ArgumentParser:
    """The parser of the command."""
    parser = CommandParser("leaks", DESCRIPTION)
    parser.add_traces()
    parser.add_argument(
        "--site",
        choices=SITE_KINDS,
        default="line",
        help="what a site is: a line of the program, a function or a whole call stack "
        "(default: line)",
    )
    parser.add_count(
        "--sites",
        default=_SITES,
        help="sites to show of each verdict, and of those that grow, leaks and sites of each "
        f"(default: {_SITES})",
        least=0,
    )
    parser.add_argument(
        "--all", action="store_true", help="also list the sites that do not grow, by verdict"
    )
    add_time_option(parser, "judge only what happened between two moments")
    add_only_option(parser)
    parser.add_json()
    return parser


def run(arguments: typing.Sequence[str]) -> int:
    """Run the command; return its exit status."""
    options = make_parser().parse_args(arguments)
    shown = VERDICTS if options.all or options.json else (*_NEED_ATTENTION, "freed_late")
    with open_traces(options.traces, only=options.only) as trace, decoding_progress(trace):
        from_ns, to_ns = chosen_span_ns(options, trace)
        found = leaks(
            trace,
            site=options.site,
            count=options.sites,
            verdicts=shown,
            from_ns=from_ns,
            to_ns=to_ns,
        )
        state = state_lines(trace)
        paths = trace.paths
    if options.json:
        print_json(found)
        return 0
    style = Style(sys.stdout)
    listed = VERDICTS if options.all else _NEED_ATTENTION
    typed = typed_paths(options.traces)
    print("\n".join(render(found, listed, paths, state, style, typed=typed)))
    return 0


def render(
    found: Leaks,
    listed: typing.Sequence[str],
    paths: typing.Sequence[str],
    state: typing.Sequence[str],
    style: Style,
    *,
    typed: str,
) -> list[str]:
    """The verdicts as lines of text: all suspects, and the other sites of the `listed` verdicts;
    `typed` is what to type for the same traces.
    """
    several = len(paths) > 1
    lines = titled(paths, state, style)
    lines += _headline(found, typed, style)
    for first, *others in found.suspects_by_leak():
        total = total_text(found, first)
        lines += ["", *_suspect(first, others, total, style, several=several)]
    more = more_suspects_text(found)
    if more is not None:
        sites = max(found.judged["growing"], found.grew_until_freed.sites)
        lines += ["", f"  {more}: --sites {sites}"]
    for verdict in listed:
        if verdict != "growing" and _not_suspected(verdict, found):
            lines += ["", *_others(verdict, found, style, several=several)]
    return lines


def _headline(found: Leaks, typed: str, style: Style) -> list[str]:
    judged = sum(found.judged.values())
    if not judged:
        return style.prose(
            "  Nothing to judge: of what was allocated meanwhile no site ever had 16 KiB live, "
            "as far as was recorded."
        )
    number, freed = found.judged["growing"], found.grew_until_freed
    looks = ["red", "bold"]
    if number:
        text = growing_text(found)
    elif freed.sites:
        text, looks = "No site grows without bound to the end.", ["bold"]
    else:
        text, looks = "No site grows without bound.", ["bold"]
    rest = ", ".join(
        f"{found.judged[verdict]} {WORDS[verdict]}"
        for verdict in VERDICTS[1:]
        if found.judged[verdict]
    )
    lines = [style(line, *looks) for line in style.prose(f"  {text}")]
    if freed.sites:
        prose = style.prose(f"  {freed_growth_text(freed)}.")
        lines += [style(line, "red", "bold") for line in prose]
    lines += style.prose(f"  {plural(judged, 'site', 'sites')} judged{'; ' + rest if rest else ''}")
    if found.grew_until_stopped.sites:
        lines += _stopped(found.grew_until_stopped, typed, style)
    if not (number or freed.sites) and found.judged["too_few_samples"] and not found.is_exact:
        lines += style.prose(f"  {TOO_FEW_TEXT}")
    if found.unseen is not None:
        lines += style.prose(f"  {unseen_text(found.unseen)}")
    return lines


def _stopped(stopped: StoppedGrowth, typed: str, style: Style) -> list[str]:
    place = short_place(stopped.function or "", stopped.file or "", stopped.line)
    command = f"{stopped_growth_command(stopped)} {typed}"
    return style.prose(f"  {stopped_growth_text(stopped, place)}", command=command)


def _suspect(
    site: LeakSite,
    others: typing.Sequence[LeakSite],
    total: str | None,
    style: Style,
    *,
    several: bool,
) -> list[str]:
    """The first site of a leak, in short the others, and what they have together."""
    where = f"  {processes_text(site)}" if several else ""
    place = shorten_place(_place(site), max(style.width - 2 - len(where), 1))
    lines = [f"  {style(place, 'bold')}{where}"]
    facts = Aligned(right=(False, False), wraps=True)
    watched = site.judged_until_ns - site.growing_since_ns
    growth = f"{figure(site.growth_bytes_per_second)} per second"
    since = f"{format_duration(site.growing_since_ns)} (watched for {format_duration(watched)})"
    if site.grew_until_freed:
        freed = format_duration(site.judged_until_ns)
        facts.add("at peak", f"{figure(site.peak_bytes)}, grew by {growth} since {since}")
        facts.add("", f"until it was freed at {freed}; not freed of it: {figure(site.live_bytes)}")
    else:
        live = figure(site.live_bytes)
        facts.add(live_word(site), f"{live}, growing by {growth} since {since}")
    pause = pause_text(site)
    if pause is not None:
        facts.add("", pause)
    if site.growth_bytes_per_window is not None:
        name = printable(site.window_name or "")
        left = figure(site.growth_bytes_per_window)
        facts.add("", f"each {name} leaves {left} of it behind")
    facts.add(curve_word(site), sparkline(site.curve, _CURVE_WIDTH))
    facts.add("survival", _survival(site))
    facts.add(
        "confidence",
        f"{confidence_text(site)}; chance of such growth by accident: " + _chance(site.p_value),
    )
    if len(site.stack) > 1:
        for number, line in enumerate(_telling(site.stack)):
            facts.add("" if number else "allocated at", line)
    for number, line in enumerate(held_by_lines(site)):
        facts.add("" if number else "held by", line)
    for number, other in enumerate(others):
        facts.add("" if number else "held with it", f"{_place(other)}: {part_text(other)}")
    if total is not None:
        facts.add("in all", total)
    return lines + facts.lines("    ", style)


def _survival(site: LeakSite) -> str:
    """How much of each cohort stays, oldest first, and of all together."""
    shares = [
        _percent(min(cohort.surviving / cohort.allocated, 1)) if cohort.allocated else "–"
        for cohort in site.cohorts
    ]
    stays = f"{_percent(site.survival)} % of what was allocated stays"
    return f"{stays}; by age: {' '.join(shares)} %"


def _percent(share: float) -> str:
    """`<1` for what would be rounded to 0: of much that is allocated that may be a leak."""
    return "<1" if 0 < share < 0.005 else f"{100 * share:.0f}"


def _others(verdict: str, found: Leaks, style: Style, *, several: bool) -> list[str]:
    table = Aligned(right=(True, True, True, False, False), lesser=((2,), (3,)))
    table.add(WORDS[verdict], "at peak", "sure", "over time", "site", looks=["bold"] * 5)
    sites = _not_suspected(verdict, found)
    for site in sites:
        where = f"  {processes_text(site)}" if several else ""
        table.add(
            short_figure(site.live_bytes) + " live",
            " ".join(part for part in figure_cells(site.peak_bytes, note="") if part),
            confidence_text(site) if verdict != "too_few_samples" else "",
            sparkline(site.curve, _CURVE_WIDTH // 2),
            _place(site) + where,
        )
    lines = table.lines(style=style)
    left = found.judged[verdict] - len(found.having(verdict))
    return [*lines, f"  and {left} more"] if left > 0 else lines


def _not_suspected(verdict: str, found: Leaks) -> list[LeakSite]:
    return [site for site in found.having(verdict) if not site.grew_until_freed]


def _telling(stack: typing.Sequence[Frame]) -> list[str]:
    """The innermost frame and those of the program, and how many are between them."""
    shown = [0, *(at for at in range(1, len(stack)) if stack[at].origin == "program")]
    lines = []
    for before, at in zip([-1, *shown], shown[:_STACK_FRAMES]):
        between = at - before - 1
        if between:
            lines.append(f"… {plural(between, 'frame', 'frames')} of libraries")
        lines.append(_frame(stack[at]))
    return lines


def _place(site: LeakSite) -> str:
    return _frame(Frame(site.function, site.file, site.line, site.origin))


def _frame(frame: Frame) -> str:
    return short_place(frame.function, frame.file, frame.line)


def _chance(p_value: float) -> str:
    return "under 1 in 10 000" if p_value < 1e-4 else f"{100 * p_value:.2g} %"
