"""`memlyze info`: what a trace holds, and whether it is whole."""

from __future__ import annotations

import json
import sys
import typing

from memlyze.analyses.inventory import Inventory, take_inventory
from memlyze.cli.arguments import CommandParser
from memlyze.cli.opening import as_json, open_traces, state_lines
from memlyze.cli.terminal import Aligned, Style, printable
from memlyze.cli.units import format_bytes

DESCRIPTION = """\
EXAMPLES
  memlyze info app.1234.mlyze
  memlyze info --json app.1234.mlyze
  memlyze info run.*.mlyze                     several files, one after the other

Prints what a trace says about itself: its size, how much it holds, whether it is complete or
damaged, how many events were dropped, and its metadata.
"""


def make_parser() -> CommandParser:
    """The parser of the command."""
    parser = CommandParser("info", DESCRIPTION)
    parser.add_argument("traces", nargs="+", metavar="trace.mlyze", help="trace file")
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object for each file, a line each"
    )
    return parser


def run(arguments: typing.Sequence[str]) -> int:
    """Run the command; return its exit status."""
    options = make_parser().parse_args(arguments)
    style = Style(sys.stdout)
    for number, path in enumerate(options.traces):
        with open_traces([path]) as trace:
            inventory = take_inventory(trace)[0]
            state = state_lines(trace)
        if options.json:
            print(json.dumps(as_json(inventory), ensure_ascii=False))
        else:
            lines = render(inventory, state, style)
            print("\n".join(lines if number == 0 else ["", *lines]))
    return 0


def render(inventory: Inventory, state: typing.Sequence[str], style: Style) -> list[str]:
    """The inventory of one file as lines of text."""
    lines = [style(inventory.path, "bold")]
    facts = Aligned(right=(False, False))
    facts.add("size", format_bytes(inventory.file_bytes))
    facts.add("state", "complete" if not state else state[0])
    for line in state[1:]:
        facts.add("", line)
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
