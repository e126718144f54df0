"""`memlyze summary`: what a trace shows at a glance; `memlyze record` prints the same at its
end.
"""

from __future__ import annotations

import argparse
import shlex
import sys
import typing
from itertools import zip_longest

from memlyze.analyses.command_lines import short_command
from memlyze.analyses.hotspots import Hotspot
from memlyze.analyses.resident_memory import ResidentMemory
from memlyze.analyses.summary import SITES, Peak, Process, Summary, summarize
from memlyze.cli.arguments import CommandParser
from memlyze.cli.messages import say
from memlyze.cli.opening import add_only_option, open_traces, print_json, titled
from memlyze.cli.progress import decoding_events
from memlyze.cli.terminal import Aligned, Style
from memlyze.wording.figures import FEW_SAMPLES_LINE, figure, figure_cells
from memlyze.wording.names import path_from_here, printable, shorten_right
from memlyze.wording.nothing import no_allocation_text
from memlyze.wording.peaks import (
    peak_live_when,
    peak_resident_when,
    peak_together_text,
    why_not_resident,
    why_peak_resident_is_unknown,
)
from memlyze.wording.places import about_unknown, note_of, place_of
from memlyze.wording.resident import describe_resident, unexplained_bytes
from memlyze.wording.sampling import sampling_text
from memlyze.wording.trace_state import state_lines
from memlyze.wording.units import format_bytes, format_count, format_duration, plural
from memlyze.wording.unseen import blocks_text, way_text

DESCRIPTION = """\
EXAMPLES
  memlyze summary app.1234.mlyze
  memlyze summary --sites 20 app.1234.mlyze
  memlyze summary --only 1240 app.1234.mlyze   one of the processes that app.py started
  memlyze summary --json app.1234.mlyze

Prints how long the program ran, its peaks, when these were and what it consisted of, the lines
of the program that allocated most, what recording cost, and a line for each process where there
were several. Figures of a sampled trace are estimates, shown with their 95 % interval.
"""

# Of the list of parts, so that it is read at a glance.
_RESIDENT_WIDTH = 90
_PROCESSES = 12
# A snapshot within a tick of the memory clock and of so nearly the same size is that of the peak.
_CLOCK_NS = 10_000_000
_SAME_SIZE = 0.01
_WHY_ANOTHER_MOMENT = (
    "(what it consists of is looked at more rarely than how much it is; here most was seen)"
)
# Command lines of several processes, and process ids of one of them, that are shown.
_COMMANDS = 12


def make_parser() -> argparse.ArgumentParser:
    """The parser of the command."""
    parser = CommandParser("summary", DESCRIPTION)
    parser.add_traces()
    parser.add_count(
        "--sites", default=SITES, help=f"allocation sites to show (default: {SITES})", least=0
    )
    add_only_option(parser)
    parser.add_json()
    return parser


def run(arguments: typing.Sequence[str]) -> int:
    """Run the command; return its exit status."""
    options = make_parser().parse_args(arguments)
    with open_traces(options.traces, only=options.only) as trace, decoding_events(trace):
        summary = summarize(trace, sites=options.sites)
        state = state_lines(trace)
    if options.json:
        print_json(summary)
        return 0
    style = Style(sys.stdout)
    print("\n".join(render(summary, state, style)))
    return 0


def print_after_recording(paths: typing.Sequence[str]) -> None:
    """Print the summary of the traces that `memlyze record` has written, on stderr."""
    style = Style(sys.stderr)
    with open_traces(paths) as trace, decoding_events(trace):
        if len(paths) == 1 and trace.metadata.get("module_not_found"):
            say(f"the program never began; {paths[0]} shows Python's start alone")
            return
        summary = summarize(trace)
        lines = render(summary, state_lines(trace), style)
    if summary.sites:
        lines += _what_to_type_next(paths[0], style)
    print("\n".join(["", *lines]), file=sys.stderr)


def _what_to_type_next(path: str, style: Style) -> list[str]:
    path = printable(shlex.quote(path_from_here(path)))
    commands = {
        f"memlyze leaks {path}": "what never comes back, and who holds it",
        f"memlyze peak {path}": "all that was live when most was, and who allocated it",
        f"memlyze serve {path}": "a page in the browser: scrub through time, click a spike",
    }
    width = max(map(len, commands))
    lines = ["", ""]
    for place, (command, what) in enumerate(commands.items()):
        typed = f"{'      ' if place else 'Next: '}{command}"
        # Of the command itself nothing may be missing.
        explained = f"{typed:{width + 6}}  # {what}"
        lines.append(shorten_right(explained, max(style.width, len(typed))))
    return lines[1:]


def render(summary: Summary, state: typing.Sequence[str], style: Style) -> list[str]:
    """The summary as lines of text."""
    lines = titled(summary.paths, state, style)
    facts = Aligned(right=(False, False), wraps=True)
    for name, text in _commands(summary):
        facts.add(name, text)
    facts.add("duration", format_duration(summary.duration_ns))
    facts.add("peak resident", _peak_resident(summary))
    if summary.peak_rss_together is not None:
        facts.add("", peak_together_text(summary.peak_rss_together))
    if summary.peak_rss is not None and summary.resident is not None:
        for label, text in _consisted_of(summary.resident, summary.peak_rss, style.width - 17):
            facts.add(label, text)
    if summary.peak_live_ns is not None:
        for label, text in zip_longest(["peak live"], _peak_live(summary), fillvalue=""):
            facts.add(label, text)
    facts.add("allocated", _allocated(summary))
    if summary.collections.runs:
        facts.add(
            "gc",
            f"{plural(summary.collections.runs, 'run', 'runs')}, "
            f"{format_duration(summary.collections.duration_ns)} in all",
        )
    if not summary.is_exact:
        facts.add("sampled", sampling_text(summary.sampling))
    facts.add("recording", _recording(summary))
    for number, text in enumerate(_references(summary)):
        facts.add("" if number else "references", text)
    if summary.invisible_allocators:
        facts.add("not seen", _not_seen(summary))
    lines += facts.lines(style=style)
    lines += ["", *_sites(summary, style)]
    if len(summary.processes) > 1:
        lines += ["", *_processes(summary, style)]
    return lines


def _processes(summary: Summary, style: Style) -> list[str]:
    """A line for each process, those with the greatest peaks; in the order of their start."""
    few = sorted(summary.processes, key=lambda process: -(process.peak_rss or 0))[:_PROCESSES]
    table = Aligned(right=(True, True, True, True, True, False, False), lesser=((5,), (1,)))
    heads = ("process", "parent", "peak resident", "allocated", "", "started by", "ended by")
    table.add(*heads, looks=["bold"] * len(heads))
    for process in summary.processes:
        if process in few:
            table.add(*_process_cells(process))
    lines = table.lines(style=style)
    more = len(summary.processes) - len(few)
    if more:
        lines.append(f"  and {more} more: FROM processes in memlyze query")
    return lines


def _process_cells(process: Process) -> tuple[str, ...]:
    return (
        str(process.process_id),
        str(process.parent_process_id),
        "unknown" if process.peak_rss is None else format_bytes(process.peak_rss),
        *figure_cells(process.bytes),
        process.started_by or "",
        process.ended_by or "",
    )


def _commands(summary: Summary) -> typing.Iterator[tuple[str, str]]:
    """The command line of each process, those that are the same together."""
    processes: dict[str, list[int]] = {}
    for process in summary.processes:
        command = short_command(process.command_line)
        processes.setdefault(command, []).append(process.process_id)
    for number, (command_line, ids) in enumerate(processes.items()):
        if number == _COMMANDS:
            yield "", f"and {len(processes) - number} more"
            return
        text = printable(command_line or "unknown")
        if len(summary.processes) > 1:
            text += f"  ({'process' if len(ids) == 1 else 'processes'} {_some(ids)})"
        elif not command_line:
            return
        yield "" if number else "command", text


def _some(ids: typing.Sequence[int]) -> str:
    shown = ", ".join(map(str, ids[:_COMMANDS]))
    return shown if len(ids) <= _COMMANDS else f"{shown} and {len(ids) - _COMMANDS} more"


def _peak_resident(summary: Summary) -> str:
    if summary.peak_rss is None:
        if summary.is_being_written and not summary.memory_ticks:
            return "not read yet: the program has only just begun"
        return f"unknown: {why_peak_resident_is_unknown(summary)}"
    own = ""
    if summary.peak_rss_tracer_bytes:
        own = f" (and {format_bytes(summary.peak_rss_tracer_bytes)} of memlyze's own)"
    return f"{format_bytes(summary.peak_rss.bytes)} {peak_resident_when(summary)}{own}"


def _peak_live(summary: Summary) -> list[str]:
    live = summary.peak_live_bytes
    # What is resident in several processes together, at one moment, is not known here.
    is_one = summary.peak_rss is not None and len(summary.processes) == 1
    resident_bytes = summary.peak_rss.bytes if summary.peak_rss and is_one else None
    why = why_not_resident(live, summary.mapped, resident_bytes)
    return [f"{figure(live)} of allocations {peak_live_when(summary)}", *([why] if why else [])]


def _consisted_of(
    resident: ResidentMemory, peak: Peak, width: int
) -> typing.Iterator[tuple[str, str]]:
    """What the peak consisted of; where there is no snapshot of the peak itself, the greatest there
    is, with its own moment and size before it.
    """
    is_near = abs(resident.time_ns - peak.time_ns) <= _CLOCK_NS
    size = resident.program_bytes
    label, lead = "of which", ""
    if not is_near or abs(size - peak.bytes) > _SAME_SIZE * peak.bytes:
        label = f"at {format_duration(resident.time_ns)}"
        lead = f"{format_bytes(size)} were resident: "
    described = describe_resident(resident, min(width, _RESIDENT_WIDTH), lead)
    if not is_near:
        described.append(_WHY_ANOTHER_MOMENT)
    return zip_longest([label], described, fillvalue="")


def _not_seen(summary: Summary) -> str:
    """Whose blocks were not recorded, and what of the resident memory they may be."""
    text = blocks_text(summary.invisible_allocators)
    unexplained = unexplained_bytes(summary.resident) if summary.resident else 0
    if unexplained:
        text += f"; the {format_bytes(unexplained)} that are unexplained may be theirs"
    return text + way_text(summary.invisible_allocators)


def _allocated(summary: Summary) -> str:
    if not summary.samples:
        if summary.is_complete and summary.damage:
            return "unknown: no allocation can be read"
        if summary.is_complete and summary.is_exact:
            return "nothing was recorded"
        if summary.is_complete:
            most = summary.bytes.error
            likely = f"; likely less than {format_bytes(most)} was allocated" if most else ""
            return f"nothing fell into the sample{likely}"
        if summary.is_being_written:
            return "nothing yet: the program has only just begun"
        return "unknown: the trace was cut off before anything was written"
    size = figure(summary.bytes)
    count = figure(summary.allocations, format_count)
    noun = "allocation" if count == "1" else "allocations"
    live = figure(summary.live_bytes)
    # No more than that: of processes that ended before others it was not at the end of all.
    when = " so far" if summary.is_being_written else ""
    return f"{size} in {count} {noun}; {live} not freed{when}"


def _recording(summary: Summary) -> str:
    cost = summary.cost
    parts = [
        ("1 sample" if summary.samples == 1 else f"{format_count(summary.samples)} samples")
        if not summary.is_exact
        else "every allocation recorded",
        f"{format_bytes(cost.file_bytes)} file",
    ]
    if cost.peak_bytes is not None:
        parts.append(f"{format_bytes(cost.peak_bytes)} memory")
    if cost.writer_cpu_ns is not None:
        parts.append(f"{format_duration(cost.writer_cpu_ns)} CPU for writing")
    if cost.waits:
        parts.append(
            f"the program waited {format_duration(cost.wait_ns or 0)} for it "
            f"({plural(cost.waits, 'time', 'times')})"
        )
    return ", ".join(parts)


def _references(summary: Summary) -> list[str]:
    """How long the program stood still for its objects, and why it did not."""
    taken = summary.references
    lines = [f"left out: {printable(reason)}" for reason in taken.left_out]
    if taken.checkpoints:
        objects = plural(taken.most_objects, "object", "objects")
        pause = f"the program stood still for {format_duration(taken.pause_ns)}"
        several = f"{taken.checkpoints} checkpoints of up to {objects}, {pause} in all"
        lines.insert(0, several if taken.checkpoints > 1 else f"{objects}, {pause}")
    return lines


def _sites(summary: Summary, style: Style) -> list[str]:
    if not summary.sites:
        if summary.samples:
            return []
        return style.prose(f"  {no_allocation_text(summary)}")
    table = Aligned(right=(True, False, True, False, False), lesser=((2, 3),))
    held = "live"
    if summary.peak_live_ns is not None:
        held += f" at {format_duration(summary.peak_live_ns)}"
    table.add("allocated", "", held, "", "site", looks=["bold"] * 5)
    for site in summary.sites:
        table.add(*_site_cells(site), note=note_of(site))
    lines = table.lines(style=style)
    for line in about_unknown(summary.sites):
        lines += style.prose(line)
    if any(site.has_too_few_samples for site in summary.sites):
        lines += style.prose(FEW_SAMPLES_LINE)
    return lines


def _site_cells(site: Hotspot) -> tuple[str, ...]:
    return (
        *figure_cells(site.bytes),
        *figure_cells(site.held_bytes),
        place_of(site),
    )
