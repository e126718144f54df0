"""`memlyze query`: SQL over one or more traces."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import re
import shlex
import sys
import typing

from memlyze.cli import interrupts, schema
from memlyze.cli.arguments import CommandParser
from memlyze.cli.errors import RefusedQueryError, UsageError
from memlyze.cli.messages import say
from memlyze.cli.opening import add_only_option, open_traces
from memlyze.cli.output import check_output, named_file, writing
from memlyze.cli.progress import decoding_progress
from memlyze.cli.tables import table_lines
from memlyze.cli.terminal import Style, is_terminal
from memlyze.errors import QueryError
from memlyze.exporters import query_result
from memlyze.query.refusals import refusal
from memlyze.wording.trace_state import state_lines

if typing.TYPE_CHECKING:
    from memlyze.query.session import Trace

# What a query begins with, and hardly a path.
_SQL = re.compile(
    r"\s*(?:select|from|with|describe|show|summarize|explain|pivot|unpivot|copy|values)\b[\s(]",
    re.IGNORECASE,
)
_TABLE_SUFFIXES = ("", ".txt", ".table")
DESCRIPTION = """\
EXAMPLES
  memlyze query "FROM hotspots() LIMIT 10" app.1234.mlyze
  memlyze query "SELECT function, sum(bytes) FROM allocations JOIN stack_frames USING (stack_id)
                 WHERE depth = 0 GROUP BY ALL ORDER BY 2 DESC LIMIT 10" app.1234.mlyze
  memlyze query --file report.sql --format csv -o report.csv app.1234.mlyze
  memlyze query "SELECT process_id, max(program_rss) FROM memory GROUP BY ALL" run.*.mlyze
  memlyze query --only first "FROM hotspots()" app.1234.mlyze
                                               without the processes that app.py started
  memlyze query app.1234.mlyze                 an interactive prompt
  memlyze query --schema                       the views, macros and columns there are

Runs one SQL query (DuckDB's dialect) over traces: a program and all processes that it started, told
apart by process_id. The query can read the traces and nothing else,
unless --allow-files is given.
"""


def make_parser() -> argparse.ArgumentParser:
    """The parser of the command."""
    parser = CommandParser(
        "query",
        DESCRIPTION,
        usage='memlyze query [options] ["SELECT …"] trace.mlyze [more.mlyze …]',
    )
    parser.add_argument(
        "arguments",
        nargs="*",
        metavar="query and traces",
        help="the query, then the trace files; without a query, a prompt",
    )
    parser.add_argument("--file", metavar="QUERY.SQL", help="read the query from a file")
    parser.add_argument(
        "--format",
        choices=("table", *query_result.FORMATS),
        help="how to write the result (default: as the name of the output file says, else table)",
    )
    parser.add_argument(
        "-o",
        "--output-file",
        metavar="FILE",
        help="write the result to a file; - is standard output",
    )
    parser.add_argument(
        "-f", "--force", action="store_true", help="replace the output file if it exists"
    )
    parser.add_argument(
        "--schema", action="store_true", help="print the views, macros and columns, and end"
    )
    parser.add_argument(
        "--allow-files",
        action="store_true",
        help="let the query read and write files and the network; only for queries that you trust",
    )
    add_only_option(parser)
    return parser


def run(arguments: typing.Sequence[str]) -> int:
    """Run the command; return its exit status."""
    options = make_parser().parse_args(arguments)
    if options.schema:
        print("\n".join(schema.schema_lines()))
        return 0
    options.output_file = named_file(options.output_file)
    query, paths = _query_and_traces(options.arguments, options.file)
    if options.output_file is not None:
        check_output(options.output_file, paths, force=options.force)
    form = options.format or _format_by_name(options.output_file)
    if (
        form in query_result.BINARY_FORMATS
        and options.output_file is None
        and is_terminal(sys.stdout)
    ):
        raise UsageError(f"{form} is not for a terminal; name a file with -o")
    with open_traces(paths, only=options.only, trusted=options.allow_files) as trace:
        for line in state_lines(trace):
            say(line, "query")
        if query is None:
            from memlyze.cli.prompt import run_prompt

            return run_prompt(trace, form, may_write_files=options.allow_files)

        def end() -> None:
            trace.remove_spilled()
            interrupts.end_process()

        with interrupts.watched(end):
            answer(trace, query, form, options.output_file, may_write_files=options.allow_files)
    return 0


def _format_by_name(output_file: str | None) -> str:
    """The format that the name of the output file asks for. Raises UsageError for one that there is
    not.
    """
    form = query_result.format_of(output_file)
    suffix = os.path.splitext(output_file or "")[1].lower()
    if form is None and suffix not in _TABLE_SUFFIXES:
        known = ", ".join(f".{name}" for name in query_result.FORMATS)
        raise UsageError(
            f"{output_file}: there is no format {suffix}; the names that are known are {known} and "
            ".txt, or say which is meant with --format"
        )
    return form or "table"


def answer(
    trace: Trace,
    query: str,
    form: str,
    output_file: str | None = None,
    *,
    may_write_files: bool = False,
) -> None:
    """Run one query and write its result.

    Raises RefusedQueryError, which tells the columns that exist, when DuckDB refuses the query.
    """
    import duckdb

    query = _read_as_utf_8(query)
    try:
        with contextlib.ExitStack() as stack:
            with decoding_progress(trace):
                relation = stack.enter_context(
                    trace.reading(query, may_write_files=may_write_files)
                )
            if relation is None:  # a COPY
                return
            if form != "table":
                if output_file is None:
                    sys.stdout.flush()
                    query_result.write_result(relation, form, sys.stdout.buffer, trace.interrupt)
                else:
                    with writing(output_file) as file:
                        query_result.write_result(relation, form, file, trace.interrupt)
            elif output_file is None:
                print("\n".join(table_lines(relation, Style(sys.stdout))))
            else:
                lines = table_lines(relation, Style(io.StringIO()))
                with writing(output_file) as file:
                    file.write("\n".join([*lines, ""]).encode("utf-8", "backslashreplace"))
    except QueryError as error:
        raise RefusedQueryError(_with_advice(str(error))) from None
    except duckdb.Error as error:  # while the rows were computed
        raise RefusedQueryError(_with_advice(str(refusal(error, query)))) from None


def _read_as_utf_8(query: str) -> str:
    """A query that was typed where the locale has ASCII alone, but the terminal has UTF-8."""
    try:
        return os.fsencode(query).decode("utf-8")
    except UnicodeError:
        return query


def _with_advice(message: str) -> str:
    if re.search(r"Table with name \S*[/.]\S* does not exist|disabled by configuration", message):
        return message + "\nA query reads files only with --allow-files."
    return message


def _query_and_traces(
    arguments: typing.Sequence[str], query_file: str | None
) -> tuple[str | None, list[str]]:
    """The SQL (None: ask for it) and the paths of the traces. Raises UsageError."""
    if query_file == "":
        raise UsageError("the name of the query file is empty; give a file after --file")
    if query_file is not None:
        try:
            with open(query_file, encoding="utf-8") as file:
                query = file.read()
        except (OSError, UnicodeDecodeError) as error:
            cause = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            raise UsageError(f"the query file {query_file} cannot be read: {cause}") from None
        if not arguments:
            raise UsageError("which trace? memlyze query --file query.sql trace.mlyze")
        return query, list(arguments)
    if not arguments:
        raise UsageError('which trace? memlyze query "FROM hotspots()" trace.mlyze')
    first = arguments[0]
    if os.path.exists(first) or (first.endswith(".mlyze") and " " not in first):
        for other in arguments[1:]:
            if _SQL.match(other) and not os.path.exists(other):
                raise UsageError(
                    "the query comes before the traces: memlyze query "
                    f"{shlex.quote(other)} {shlex.quote(first)}"
                )
        return None, list(arguments)
    if len(arguments) == 1:
        raise UsageError(
            'which trace? give its file after the query: memlyze query "SELECT …" trace.mlyze'
        )
    return first, list(arguments[1:])
