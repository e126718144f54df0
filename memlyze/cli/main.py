"""The `memlyze` command: finds the subcommand and imports only that."""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import os
import signal
import sys
import typing

from memlyze.errors import MemlyzeError

HELP = """\
EXAMPLES
  memlyze record app.py                        run a program and record its memory
  memlyze summary app.1234.mlyze               what a trace shows at a glance
  memlyze leaks app.1234.mlyze                 what grows without bound, and how sure that is
  memlyze peak app.1234.mlyze                  what was live when most was
  memlyze windows memlyze-1234.mlyze           what each route of a web application takes
  memlyze diff before.mlyze after.mlyze        what differs, beyond chance
  memlyze query "FROM hotspots() LIMIT 10" app.1234.mlyze
                                               ask it anything in SQL
  memlyze serve app.1234.mlyze                 see it in the browser
  memlyze info app.1234.mlyze                  what a trace holds, and whether it is whole

Records where a Python program's memory goes, and answers questions about it in SQL.

commands:
  record       run a program and record its allocations
  summary      print what record printed at the end
  leaks        say which sites grow without bound, and which merely stay
  hotspots     print who allocates most, keeps most, or makes most that is freed at once
  timeline     draw how memory moved, and name its peaks
  peak         print what was live when most was, or at any other moment
  flamegraph   print the call tree with what was allocated, or is live
  windows      say what requests, tasks and functions allocate, hold and leave behind
  diff         say what differs between two recordings beyond chance; thresholds for CI
  query        ask SQL of one or more traces
  report       write all of it as one HTML page, or as Markdown for a pull request
  export       write a trace for other tools: pprof, speedscope, Parquet, Arrow, …
  serve        show traces in the browser
  info         print what a trace holds: metadata, sizes, counts, drops, damage

options:
  -h, --help     show this help; every command has its own: memlyze record --help
  --version      show the version

'memlyze' may also be written 'python -m memlyze'.
"""
COMMANDS = (
    "record",
    "summary",
    "leaks",
    "hotspots",
    "timeline",
    "peak",
    "flamegraph",
    "diff",
    "windows",
    "query",
    "report",
    "export",
    "serve",
    "info",
)
# How an output may deal with what it does not have, of which some raises an error.
_FAILING = ("strict", "surrogateescape", "surrogatepass")


def main(arguments: typing.Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status.

    Ends the process by the signal itself when interrupted or when nobody reads the output any more,
    so that a shell sees what it would see of any other command.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if arguments is None:
        _show_any_text()
    try:
        status = _dispatch(words)
        if sys.stdout is not None:  # closed by whoever started this
            sys.stdout.flush()
        if arguments is None:  # the process ends: nobody need look for cycles in what is left
            gc.freeze()
        return status
    except MemlyzeError as error:
        _complain(words, error)
        return int(getattr(error, "exit_status", 1))
    except KeyboardInterrupt:
        return _end_by(signal.SIGINT)
    except BrokenPipeError:
        return _end_by(signal.SIGPIPE)
    except OSError as error:
        if sys.stdout is not None:
            _drop_output()
        if error.filename is None and isinstance(error, FileNotFoundError):
            from memlyze.cli.working_directory import NO_WORKING_DIRECTORY, working_directory

            if working_directory() is None:
                _complain(words, MemlyzeError(f"{NO_WORKING_DIRECTORY}; change to another one"))
                return 1
        what = str(error.filename) if error.filename else "the output"
        reason = f"cannot read or write {what}: {error.strerror or error}"
        _complain(words, MemlyzeError(f"{reason}; make room for it, or choose another place"))
        return 1


def _show_any_text() -> None:
    """What the output's encoding does not have, such as a bar in ASCII or a file name that is no
    text, is shown escaped. The default is to fail, also in the locale C: there `surrogateescape`
    lets file names through, and nothing else.
    """
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors in _FAILING:
        sys.stdout.reconfigure(errors="backslashreplace")


def _dispatch(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        from memlyze.cli.help_text import fitted

        print(fitted(HELP), end="")
        return 0 if words else 2
    if words[0] == "--version":
        import memlyze

        print(f"memlyze {memlyze.__version__}")
        return 0
    if words[0] not in COMMANDS:
        from memlyze.cli.errors import UsageError

        raise UsageError(
            f"there is no command {words[0]!r}; the commands are {', '.join(COMMANDS)} "
            "(to record a program: memlyze record app.py)"
        )
    if words[0] != "record":
        from memlyze.cli.reading import prepare_to_read

        prepare_to_read()
    module = importlib.import_module("memlyze.cli." + words[0])
    run: typing.Callable[[typing.Sequence[str]], int] = module.run
    return run(words[1:])


def _complain(words: typing.Sequence[str], error: MemlyzeError) -> None:
    command = f"memlyze {words[0]}" if words and words[0] in COMMANDS else "memlyze"
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.flush()
    from memlyze.cli.messages import printable_lines

    print(f"{command}: {printable_lines(error)}", file=sys.stderr)


def _drop_output() -> None:
    """The interpreter would try to flush what nobody reads, or what finds no room."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _end_by(number: signal.Signals) -> int:
    """End this process by the default action of a signal."""
    _drop_output()
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    return 128 + number
