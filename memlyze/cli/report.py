"""`memlyze report`: a trace as one page that needs nothing else, or as Markdown."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import typing

from memlyze.cli import interrupts
from memlyze.cli.arguments import CommandParser
from memlyze.cli.errors import UsageError
from memlyze.cli.messages import say
from memlyze.cli.opening import add_only_option, open_traces
from memlyze.cli.output import check_output, named_file, writing
from memlyze.cli.progress import decoding_events
from memlyze.wording.trace_state import state_lines

DESCRIPTION = """\
EXAMPLES
  memlyze report app.1234.mlyze                   writes app.1234.html
  memlyze report -o report.html app.1234.mlyze
  memlyze report --markdown --base main.mlyze app.1234.mlyze
                                                  what has changed, for a pull request

Writes a page with everything that the trace shows: memory over time, the peaks, leaks, the lines
that allocate most, a flame graph. It is one file, loads nothing from the network and can be sent to
anybody. With --markdown, the same in short for a pull request.
"""


def make_parser() -> argparse.ArgumentParser:
    """The parser of the command."""
    parser = CommandParser("report", DESCRIPTION)
    parser.add_traces()
    parser.add_argument(
        "-o",
        "--output-file",
        metavar="FILE",
        help="file to write (default: the name of the trace with .html; Markdown goes to standard "
        "output, which is -)",
    )
    parser.add_argument(
        "-f", "--force", action="store_true", help="replace the output file if it exists"
    )
    parser.add_argument("--title", metavar="TEXT", help="title (default: the name of the trace)")
    parser.add_argument("--markdown", action="store_true", help="write Markdown instead of a page")
    # Other commands have it: said where it leads to here.
    parser.add_argument("--format", help=argparse.SUPPRESS)
    parser.add_argument(
        "--base",
        metavar="BEFORE.MLYZE",
        help="say what has changed since this trace of the same program",
    )
    add_only_option(parser)
    return parser


def run(arguments: typing.Sequence[str]) -> int:
    """Run the command; return its exit status."""
    options = make_parser().parse_args(arguments)
    if options.format is not None:
        raise UsageError(
            "a report is an HTML page, or Markdown with --markdown; the formats of other tools are "
            "those of memlyze export --format"
        )
    path = named_file(options.output_file)
    if options.output_file is None and not options.markdown:
        path = os.path.splitext(os.path.basename(options.traces[0]))[0] + ".html"
    if path is not None:
        check_output(path, options.traces, force=options.force)
    with open_traces(options.traces, only=options.only) as trace:
        notes = state_lines(trace)
        for line in notes:
            say(line, "report")

        def end() -> None:
            trace.remove_spilled()
            interrupts.end_process()

        with interrupts.watched(end), decoding_events(trace):
            from memlyze.report.content import gather

            title = options.title or os.path.basename(trace.paths[0])
            with contextlib.ExitStack() as stack:
                base = None
                if options.base is not None:
                    base = stack.enter_context(open_traces([options.base], only=options.only))
                    notes += [f"{options.base}: {line}" for line in state_lines(base)]
                content = gather(trace, title=title, notes=notes, base=base)
    if options.markdown:
        from memlyze.report.markdown import render_markdown

        text = render_markdown(content)
    else:
        from memlyze.report.page import render_page

        text = render_page(content)
    if path is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode("utf-8"))
        return 0
    with writing(path) as file:
        file.write(text.encode("utf-8"))
    if options.output_file is None:
        say(f"wrote {path}", "report")
    return 0
