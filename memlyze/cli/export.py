"""`memlyze export`: a trace for other tools, as a profile or as tables."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import typing

from memlyze.cli import interrupts
from memlyze.cli.arguments import CommandParser
from memlyze.cli.errors import CommandError, UsageError
from memlyze.cli.messages import say
from memlyze.cli.opening import open_traces
from memlyze.cli.output import check_output, named_file, writing
from memlyze.cli.progress import decoding_progress
from memlyze.cli.selecting import add_selection_options
from memlyze.cli.terminal import is_terminal
from memlyze.wording.trace_state import state_lines
from memlyze.wording.units import format_bytes, format_count, plural

if typing.TYPE_CHECKING:
    from memlyze.exporters.request import Request
    from memlyze.query.session import Trace

DESCRIPTION = """\
EXAMPLES
  memlyze export --format pprof -o app.pb.gz app.1234.mlyze
                                               then: go tool pprof -http=: app.pb.gz
  memlyze export --format speedscope --what peak -o peak.speedscope.json app.1234.mlyze
  memlyze export --format collapsed --what live app.1234.mlyze | flamegraph.pl > live.svg
  memlyze export --format parquet -o tables/ app.1234.mlyze
  memlyze export --format csv --view gc app.1234.mlyze > gc.csv
  memlyze export --format parquet --partition-by service,date,host --service shop
                 -o s3://bucket/memory app.1234.mlyze

Writes what call stacks allocated, for tools that show profiles (pprof, speedscope, collapsed), or
the views, for anything that reads tables (parquet, arrow, csv, json, jsonl).
"""
PROFILES = ("pprof", "speedscope", "collapsed")
TABLES = ("parquet", "arrow", "csv", "json", "jsonl")
_BINARY = ("pprof", "parquet", "arrow")
_IN_WORDS = {
    "allocated": "allocated",
    "live": "live",
    "peak": "live at the peak",
    "temporary": "allocated for a short time",
}
_SHOWN = 3


def make_parser() -> argparse.ArgumentParser:
    """The parser of the command."""
    parser = CommandParser(
        "export", DESCRIPTION, usage="memlyze export --format FORMAT [options] trace.mlyze [more …]"
    )
    parser.add_traces()
    parser.add_argument("--format", choices=(*PROFILES, *TABLES), help="what to write")
    parser.add_argument(
        "-o",
        "--output-file",
        metavar="PATH",
        help="file to write, or folder for the files of several views; also a URL such as "
        "s3://bucket/path (default: standard output, which is -)",
    )
    parser.add_argument(
        "-f", "--force", action="store_true", help="replace the output file if it exists"
    )
    parser.add_argument(
        "--what",
        choices=tuple(_IN_WORDS),
        default="allocated",
        help="count all allocations, those live at the end (of --time), those live at the peak, or "
        "temporary ones (default: allocated)",
    )
    parser.add_argument(
        "--within",
        metavar="TIME",
        default="1ms",
        help="temporary is what is freed within this time (default: 1ms)",
    )
    parser.add_argument(
        "--unit",
        choices=("bytes", "allocations"),
        help="what collapsed stacks count (default: bytes)",
    )
    parser.add_argument(
        "--view",
        action="append",
        metavar="VIEW",
        help="write only this view; may be repeated (default: all)",
    )
    parser.add_argument(
        "--partition-by",
        metavar="KEYS",
        help="write folders such as service=shop/date=2026-11-25/host=web-1 by which engines find "
        "the files of many traces: any of service, date and host, with commas between them",
    )
    parser.add_argument("--service", metavar="NAME", help="the name of the service recorded")
    parser.add_argument(
        "--host", metavar="NAME", help="the name of the host (default: as the trace has it)"
    )
    add_selection_options(parser)
    return parser


def run(arguments: typing.Sequence[str]) -> int:
    """Run the command; return its exit status."""
    options = make_parser().parse_args(arguments)
    options.output_file = named_file(options.output_file)
    _refuse_what_does_not_fit(options)
    with open_traces(options.traces, only=options.only) as trace:
        for line in state_lines(trace):
            say(line, "export")

        def end() -> None:
            trace.remove_spilled()
            interrupts.end_process()

        with interrupts.watched(end), _failures_worded():
            with decoding_progress(trace):
                trace.table("allocations")
            if options.format in PROFILES:
                _export_profile(trace, options)
            else:
                _export_tables(trace, options)
    return 0


@contextlib.contextmanager
def _failures_worded() -> typing.Iterator[None]:
    """What DuckDB cannot do, as an error of this command."""
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        raise CommandError(f"the trace cannot be exported: {reason}") from None


def _refuse_what_does_not_fit(options: argparse.Namespace) -> None:
    form = options.format
    if form is None:
        raise UsageError(
            f"which format? --format takes, for profiles, {', '.join(PROFILES)}; for tables, "
            f"{', '.join(TABLES)}"
        )
    if form in PROFILES:
        for given, flag in (
            (options.view, "--view"),
            (options.partition_by, "--partition-by"),
            (options.service, "--service"),
            (options.host, "--host"),
        ):
            if given is not None:
                raise UsageError(f"{flag} is for tables ({', '.join(TABLES)}), not for {form}")
    elif options.partition_by is None and (options.service or options.host) is not None:
        raise UsageError("--service and --host name partitions; add --partition-by service,host")
    if options.unit is not None and form != "collapsed":
        raise UsageError(f"--unit is for --format collapsed; {form} has both")
    if options.output_file is None:
        is_folder = form in TABLES and (options.partition_by or len(options.view or ()) != 1)
        if is_folder:
            raise UsageError(
                "several views need a folder, not standard output: name it with -o, or choose one "
                "view with --view"
            )
        if form in _BINARY and is_terminal(sys.stdout):
            raise UsageError(f"{form} is not for a terminal; name a file with -o")
        return
    several = form in TABLES and (options.partition_by or len(options.view or ()) != 1)
    if several and os.path.isfile(options.output_file):
        raise UsageError(f"{options.output_file} is a file; several views need a folder")
    if not several and not _is_folder(options.output_file):
        check_output(options.output_file, options.traces, force=options.force)
    if form in PROFILES and _is_folder(options.output_file):
        raise UsageError(f"{options.output_file} is a folder; name a file in it with -o")


def _request(trace: Trace, options: argparse.Namespace) -> Request:
    from memlyze.cli.selecting import selection_of
    from memlyze.cli.times import parse_duration_ns
    from memlyze.exporters.request import Request

    return Request(options.what, selection_of(options, trace), parse_duration_ns(options.within))


def _export_profile(trace: Trace, options: argparse.Namespace) -> None:
    request = _request(trace, options)
    with _sink(options, trace.paths) as file:
        stacks = _write_profile(trace, options, request, file)
    if not stacks:
        narrowed = ("time", "thread", "window", "function", "file")
        chosen = any(getattr(options, name) for name in narrowed)
        what = options.what + (" of what was chosen" if chosen else "")
        _say(f"nothing {what} is in the trace; the profile is empty")
    elif options.output_file is not None:
        samples = plural(stacks, "stack", "stacks")
        _say(f"{samples} of what was {_IN_WORDS[options.what]} written to {options.output_file}")


def _write_profile(
    trace: Trace, options: argparse.Namespace, request: Request, file: typing.BinaryIO
) -> int:
    if options.format == "collapsed":
        from memlyze.exporters.collapsed import BYTES, write_collapsed

        return write_collapsed(trace, request, file, unit=options.unit or BYTES)
    title = "memlyze: " + ", ".join(os.path.basename(path) for path in trace.paths[:_SHOWN])
    if options.format == "speedscope":
        from memlyze.exporters.speedscope import write_speedscope

        return write_speedscope(trace, request, file, name=title)
    from memlyze.exporters.pprof import write_pprof

    return write_pprof(trace, request, file, comments=[title, *state_lines(trace)])


def _export_tables(trace: Trace, options: argparse.Namespace) -> None:
    from memlyze.exporters import views
    from memlyze.exporters.destinations import open_destination
    from memlyze.exporters.partitions import Labels, parse_keys
    from memlyze.exporters.query_result import write_query

    chosen = tuple(dict.fromkeys(options.view or views.VIEWS))
    request, form, path = _request(trace, options), options.format, options.output_file
    if options.partition_by is not None:
        keys, labels = parse_keys(options.partition_by), Labels(options.service, options.host)
        written = views.export_partitions(
            trace, form, open_destination(path), request, keys=keys, labels=labels, views=chosen
        )
    elif len(chosen) > 1 or _is_folder(path):
        written = views.export_views(trace, form, open_destination(path), request, views=chosen)
    else:
        with _sink(options, trace.paths) as file:
            write_query(trace, views.view_query(trace, request, chosen[0]), form, file)
        return
    files = list(written)
    rows, size = sum(file.rows for file in files), sum(file.bytes for file in files)
    _say(
        f"{plural(len(files), 'file', 'files')} with {format_count(rows)} rows, "
        f"{format_bytes(size)}, written to {path}"
    )


def _is_folder(path: str | None) -> bool:
    return path is not None and (path.endswith(("/", os.sep)) or os.path.isdir(path))


@contextlib.contextmanager
def _sink(
    options: argparse.Namespace, paths: typing.Sequence[str]
) -> typing.Iterator[typing.BinaryIO]:
    """What to write a single file to."""
    from memlyze.exporters.destinations import is_url, open_destination

    path = options.output_file
    if path is None:
        sys.stdout.flush()
        yield sys.stdout.buffer
    elif is_url(path):
        folder, _, name = path.rpartition("/")
        destination = open_destination(folder)
        if not options.force and destination.exists(name):
            raise UsageError(f"{path} exists; replace it with --force, or choose another with -o")
        with destination.file(name) as local, open(local, "wb") as file:
            yield file
    else:
        with writing(path) as file:
            yield file


def _say(sentence: str) -> None:
    say(sentence, "export")
