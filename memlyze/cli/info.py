"""`memlyze info`: what a trace holds, and whether it is whole."""

from __future__ import annotations

import json
import os
import sys
import typing

from memlyze.analyses.command_lines import short_command
from memlyze.analyses.inventory import Inventory, take_inventory
from memlyze.analyses.sampling import sampling_of
from memlyze.cli.arguments import CommandParser
from memlyze.cli.messages import say
from memlyze.cli.opening import FIRST, add_only_option, json_text, open_traces
from memlyze.cli.terminal import Aligned, Style
from memlyze.trace.metadata import strings_of
from memlyze.wording.fitting import wrap
from memlyze.wording.names import printable, shorten_right
from memlyze.wording.sampling import sampling_text
from memlyze.wording.trace_state import state_lines
from memlyze.wording.units import format_bytes, format_duration

DESCRIPTION = """\
EXAMPLES
  memlyze info app.1234.mlyze
  memlyze info --json app.1234.mlyze
  memlyze info --only first app.1234.mlyze     without the processes that app.py started

Prints what a trace says about itself: size, how much it holds, whether it is complete or damaged,
how many events were dropped, and its metadata. Of several, and of a program with the processes that
it started, it prints a line each.
"""


def make_parser() -> CommandParser:
    """The parser of the command."""
    parser = CommandParser("info", DESCRIPTION)
    parser.add_traces()
    add_only_option(parser)
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object for each file, a line each"
    )
    return parser


def run(arguments: typing.Sequence[str]) -> int:
    """Run the command; return its exit status."""
    options = make_parser().parse_args(arguments)
    style = Style(sys.stdout)
    with open_traces(options.traces, only=options.only) as trace:
        paths, left_out = trace.paths, trace.left_out
    known = []
    for path in paths:
        with open_traces([path], only=FIRST) as trace:
            inventory = take_inventory(trace)[0]
            recorded = sampling_text(sampling_of(trace)) if len(paths) == 1 else ""
            known.append(Known(inventory, state_lines(trace), recorded))
    if options.json:
        for one in known:
            print(json_text(one.inventory))
    else:
        lines = render(known[0], style) if len(known) == 1 else render_several(known, style)
        print("\n".join(lines))
    for sentence in left_out:
        say(sentence, "info")
    return 0


class Known(typing.NamedTuple):
    """A file."""

    inventory: Inventory
    state: typing.Sequence[str]
    """What the reader of any figure must know of it."""
    recorded: str
    """How closely."""


def render(known: Known, style: Style) -> list[str]:
    """All that is known of one file, as lines of text."""
    inventory, state, recorded = known
    lines = [style(printable(inventory.path), "bold")]
    facts = Aligned(right=(False, False))
    facts.add("size", format_bytes(inventory.file_bytes))
    facts.add("state", "complete" if not state else state[0])
    for line in state[1:]:
        facts.add("", line)
    facts.add("recorded", recorded)
    lines += facts.lines()
    tables = Aligned(right=(False, True, True, True, True))
    tables.add("table", "rows", "blocks", "in the file", "unpacked")
    for name, size in inventory.tables.items():
        stored, raw = format_bytes(size.stored_bytes), format_bytes(size.raw_bytes)
        tables.add(name, str(size.rows), str(size.blocks), stored, raw)
    head, *rows = tables.lines()
    lines += ["", style(head, "bold"), *rows]
    entries = Aligned(right=(False, False))
    for key, value in sorted(inventory.metadata.items()):
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        entries.add(key, printable(text))
    return [*lines, "", style("  metadata", "bold"), *entries.lines()]


def render_several(known: typing.Sequence[Known], style: Style) -> list[str]:
    """What matters of each file, a line each, and where the rest is to be had."""
    table = Aligned(
        right=(True, False, True, True, True, True, False, False),
        lesser=((6,), (4,), (5,)),
        fit=shorten_right,
    )
    heads = ("process", "state", "samples", "dropped", "size", "duration", "file", "command")
    table.add(*heads, looks=["bold"] * len(heads))
    for inventory, _, _ in known:
        facts = inventory.metadata
        end_ns = facts.get("end_ns")
        state = _state(inventory)
        table.add(
            str(facts.get("process_id", "?")),
            state,
            str(facts.get("allocations_recorded", "?")),
            str(facts.get("events_dropped", "?")),
            format_bytes(inventory.file_bytes),
            format_duration(end_ns) if isinstance(end_ns, int) else "?",
            printable(os.path.basename(inventory.path)),
            printable(short_command(" ".join(strings_of(facts.get("command_line"))))),
            looks=["", "" if state == "complete" else "yellow"],
        )
    lines = table.lines(style=style)
    for inventory, state_of_file, _ in known:
        for text in state_of_file:
            file = printable(os.path.basename(inventory.path))
            broken = wrap(f"  ! {file}: {text}", style.width, indent="    ")
            lines += [style(line, "yellow") for line in broken]
    text = "  All that one of them says of itself: --only PROCESS; of each: --json."
    return [*lines, "", *style.prose(text)]


def _state(inventory: Inventory) -> str:
    if inventory.is_being_written:
        return "being written"
    if not inventory.is_complete:
        return "cut off"
    return "damaged" if inventory.damage else "complete"
