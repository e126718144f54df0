"""`memlyze info`: what a trace holds, and whether it is whole."""

from __future__ import annotations

import json
import sys
import typing

from memlyze.analyses.inventory import Inventory, take_inventory
from memlyze.analyses.sampling import sampling_of
from memlyze.cli.arguments import CommandParser
from memlyze.cli.opening import FIRST, add_only_option, json_text, open_traces
from memlyze.cli.terminal import Aligned, Style
from memlyze.wording.names import printable
from memlyze.wording.sampling import sampling_text
from memlyze.wording.trace_state import state_lines
from memlyze.wording.units import format_bytes

DESCRIPTION = """\
EXAMPLES
  memlyze info app.1234.mlyze
  memlyze info --json app.1234.mlyze
  memlyze info --only first app.1234.mlyze     without the processes that app.py started

Prints what traces say about themselves, one after the other: size, how much they hold, whether they
are complete or damaged, how many events were dropped, and their metadata. The files of the
processes that a program started follow its own.
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
    for number, path in enumerate(paths):
        with open_traces([path], only=FIRST) as trace:
            inventory = take_inventory(trace)[0]
            state = state_lines(trace)
            recorded = sampling_text(sampling_of(trace))
        if options.json:
            print(json_text(inventory))
        else:
            lines = render(inventory, state, recorded, style)
            print("\n".join(lines if number == 0 else ["", *lines]))
    for sentence in left_out:
        print(f"memlyze info: {sentence}", file=sys.stderr)
    return 0


def render(
    inventory: Inventory, state: typing.Sequence[str], recorded: str, style: Style
) -> list[str]:
    """The inventory of one file as lines of text."""
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
