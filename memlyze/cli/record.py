"""`memlyze record`: run a program and record its allocations."""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import signal
import sys
import typing

from memlyze.cli import child, handover, settings
from memlyze.cli.arguments import CommandParser
from memlyze.cli.errors import UsageError
from memlyze.cli.executable import obstacle
from memlyze.cli.messages import say
from memlyze.cli.output import NO_NAME, STANDARD_OUTPUT
from memlyze.cli.status_file import status_file
from memlyze.cli.target import Target, find_target
from memlyze.cli.working_directory import NO_WORKING_DIRECTORY, working_directory
from memlyze.errors import MemlyzeError

DESCRIPTION = """\
EXAMPLES
  memlyze record app.py --port 8000            a script and its arguments
  memlyze record -m http.server 8000           a module
  memlyze record -c 'import json'              code
  memlyze record python -X dev app.py          a Python of your choice, with its options
  memlyze record pytest -q                     a command whose interpreter is this Python
  memlyze record --sample-rate 1.0 -o run.mlyze app.py
                                               every allocation, to a file of your choice

Runs a program as if memlyze were not there, records its memory to a trace file, and says at the end
where the memory went. Options of memlyze stand before the program; all that follows is the
program's own.
"""
EPILOG = """\
Every option can also be given as an environment variable (MEMLYZE_SAMPLE_RATE=0.1,
MEMLYZE_OUTPUT_FILE=…) or in the nearest pyproject.toml, under [tool.memlyze] (sample_rate = 0.1).
Flags come first, then the environment, then pyproject.toml.

The exit status is the program's own. It is 2 when memlyze could not run it.
"""


def make_parser() -> argparse.ArgumentParser:
    """The parser of the options before the program."""
    parser = CommandParser(
        "record",
        DESCRIPTION,
        usage="memlyze record [options] (app.py | -m module | -c code | command) [arg …]",
        epilog=EPILOG,
    )
    parser.add_argument(
        "-o",
        "--output-file",
        metavar="FILE",
        help="trace file to write; {pid} in it becomes the number of the process "
        "(default: <program>.{pid}.mlyze in the working directory)",
    )
    parser.add_argument(
        "-f",
        "--force",
        action="store_true",
        help="replace the output file if it exists, with the files of its processes",
    )
    parser.add_argument(
        "-q",
        "--quiet",
        action="store_true",
        help="print nothing at the end unless recording failed",
    )
    for option in settings.OPTIONS:
        if option.parse is settings.parse_switch:
            group = parser.add_mutually_exclusive_group()
            group.add_argument(
                option.flag, action="store_true", default=None, dest=option.name, help=option.help
            )
            group.add_argument(
                option.flag.replace("--", "--no-", 1),
                action="store_false",
                default=None,
                dest=option.name,
                help="do not " + option.help,
            )
        else:
            parser.add_argument(
                option.flag,
                metavar=option.metavar,
                dest=option.name,
                help=option.help,
            )
    return parser


def split_arguments(
    parser: argparse.ArgumentParser, arguments: typing.Sequence[str]
) -> tuple[list[str], list[str]]:
    """memlyze's own options, and the program with everything after it."""
    position = 0
    while position < len(arguments):
        argument = arguments[position]
        if argument == "--":
            return list(arguments[:position]), list(arguments[position + 1 :])
        if argument in ("-m", "-c", "-") or not argument.startswith("-"):
            break
        action = parser._option_string_actions.get(argument)
        takes_value = action is not None and action.nargs is None
        position += 2 if takes_value else 1
    return list(arguments[:position]), list(arguments[position:])


def run(arguments: typing.Sequence[str]) -> int:
    """Run the command; return its exit status."""
    parser = make_parser()
    own, program = split_arguments(parser, arguments)
    options = parser.parse_args(own)
    if options.output_file == STANDARD_OUTPUT:
        raise UsageError(
            "a trace cannot be written to standard output, which is the program's: it is a file "
            "that is written at many places; name one with -o"
        )
    if options.output_file == "":
        raise UsageError(NO_NAME)
    flags = {option.name: getattr(options, option.name) for option in settings.OPTIONS}
    flags[settings.OUTPUT_FILE] = options.output_file
    target = find_target(program)
    chosen = settings.collect_settings(flags, os.environ, working_directory())
    for misspelt in settings.misspelt_variables(os.environ):
        say(misspelt)
    output_file = _whole_path(chosen.output_file or f"{target.name}.{{pid}}.mlyze")
    _spare_program(target, output_file)
    make_room_for(output_file, force=options.force)
    return _record(target, output_file, chosen.tracer, is_quiet=options.quiet)


def _whole_path(output_file: str) -> str:
    """Where the trace goes. Raises UsageError where that is nowhere."""
    if not os.path.isabs(output_file) and working_directory() is None:
        raise UsageError(
            f"{output_file} cannot be written: {NO_WORKING_DIRECTORY}; name a file in another "
            "folder with -o /…"
        )
    return os.path.abspath(output_file)


def _spare_program(target: Target, output_file: str) -> None:
    """Raise UsageError where the trace would replace the program, as after a forgotten name."""
    for path in (target.executable, *target.argv):
        if path.endswith(".mlyze") or not os.path.isfile(path) or not os.path.exists(output_file):
            continue  # a trace that the program is to read may be replaced
        if os.path.samefile(path, output_file):
            raise UsageError(f"-o would overwrite the program's own {path}; choose another file")


def make_room_for(output_file: str, *, force: bool) -> None:
    """Make sure, before the program runs, that its trace can be written.

    Raises UsageError when the file exists and `force` is false, or its folder cannot be written to.
    """
    folder = os.path.dirname(output_file)
    if not os.path.isdir(folder):
        raise UsageError(f"there is no folder {folder}; create it, or choose another with -o")
    if os.path.isdir(output_file):
        raise UsageError(f"{output_file} is a folder; name a file with -o")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(f"the folder {folder} cannot be written to; choose another with -o")
    if os.path.lexists(output_file):
        if os.path.exists(output_file) and not os.path.isfile(output_file):
            raise UsageError(f"{output_file} is no regular file; choose another with -o")
        if not force:
            raise UsageError(
                f"{output_file} exists; replace it with --force, or choose another with -o"
            )
        from memlyze.trace.family import find_family

        # With a recording go the files of its processes: without the first they belong to nothing.
        for path in reversed(find_family([output_file]).paths):
            try:
                os.unlink(path)
            except OSError as error:
                raise UsageError(
                    f"{path} cannot be replaced: {error.strerror}; choose another with -o"
                ) from None


def _record(
    target: Target,
    output_file: str,
    tracer_options: typing.Mapping[str, settings.Value],
    *,
    is_quiet: bool,
) -> int:
    in_the_way = obstacle(target.executable)
    family_id = os.urandom(8).hex()
    with status_file() as told:
        options = {
            **tracer_options,
            "output_file": output_file,
            "family_id": family_id,
            "status_file": told.path,
        }
        preload = bool(tracer_options.get("native", True)) and in_the_way is None
        environment = handover.child_environment(options, os.environ, preload=preload)
        try:
            status = child.run_child(target.executable, target.argv, environment)
        except OSError as error:
            cause = f"{error.strerror} ({in_the_way})" if in_the_way else error.strerror
            raise UsageError(f"{target.executable} cannot be run: {cause}") from None
        outcome = handover.read_outcome(told, output_file, family_id)
    try:
        report(target, outcome, in_the_way, is_quiet=is_quiet)
    except (KeyboardInterrupt, BrokenPipeError):
        pass
    except Exception as error:  # the program has run: its status counts, whatever happens in here
        named = "" if isinstance(error, MemlyzeError) else type(error).__name__
        cause = ": ".join(filter(None, (named, " ".join(str(error).split()))))
        trace = shlex.quote(outcome.traces[0]) if outcome.traces else "trace.mlyze"
        say(f"recorded, but not summarised ({cause}); try again: memlyze summary {trace}")
    return child.end_like(status)


def report(
    target: Target, outcome: handover.Outcome, in_the_way: str | None, *, is_quiet: bool
) -> None:
    """Say on stderr where the trace is and what it shows, or why there is none."""
    written = [path for path in outcome.traces if os.path.exists(path)]
    if not written:
        cause = _why_nothing(target, outcome, in_the_way)
        say(f"nothing was recorded: {cause}")
        return
    for version, cause in dict.fromkeys(outcome.failures):
        count = outcome.failures.count((version, cause))
        times = "" if count == 1 else f" ({count} times)"
        say(f"Python {version} was not recorded{times}: {cause}")
    if is_quiet:
        return
    if in_the_way is not None:
        say(f"native memory is seen in part only: {in_the_way}")
    _summarise(written)


def _summarise(paths: typing.Sequence[str]) -> None:
    """In a process of its own: a library that finds no memory may end it, and the status of the
    program that was recorded counts. Raises MemlyzeError where that happens, and what the summary
    raises.
    """
    sys.stderr.flush()
    reading, writing = os.pipe()
    process_id = os.fork()
    if process_id == 0:
        os.close(reading)
        code = 1
        try:
            from memlyze.cli.reading import prepare_to_read

            prepare_to_read()
            from memlyze.cli import summary

            summary.print_after_recording(paths)
            sys.stderr.flush()
            code = 0
        except (KeyboardInterrupt, BrokenPipeError):
            code = 0
        except BaseException as error:
            with contextlib.suppress(OSError):
                os.write(writing, f"{type(error).__name__}: {error}".encode()[:2000])
        finally:
            os._exit(code)
    os.close(writing)
    with open(reading, "rb") as pipe:
        said = pipe.read().decode(errors="replace")
    _, status = os.waitpid(process_id, 0)
    if os.WIFSIGNALED(status):
        said = f"what sums it up was ended by a signal: {signal.strsignal(os.WTERMSIG(status))}"
    if status != 0:
        raise MemlyzeError(said or "what sums it up ended early")


def _why_nothing(target: Target, outcome: handover.Outcome, in_the_way: str | None) -> str:
    if outcome.traces:
        return f"the trace {outcome.traces[0]} has been removed"
    ours = ".".join(str(part) for part in sys.version_info[:3])
    if outcome.failures:
        version, cause = outcome.failures[0]
        if version.split(".")[:2] != ours.split(".")[:2]:
            return (
                f"{target.argv[0]} runs Python {version}, memlyze is installed for Python {ours}; "
                f"install memlyze there and use its own memlyze command"
            )
        return cause
    if outcome.removed_file is not None:
        return (
            f"or it is not known, as somebody removed {outcome.removed_file}, in which the program "
            "reports; look for its trace, or record again with another TMPDIR"
        )
    if in_the_way is not None:
        return f"{in_the_way}; record a Python program: memlyze record app.py"
    return (
        f"{target.argv[0]} started no Python that reads PYTHONPATH; "
        "record a Python program: memlyze record app.py"
    )
