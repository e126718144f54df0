"""The interactive prompt of `memlyze query`."""

from __future__ import annotations

import contextlib
import os
import sys
import typing

from memlyze.cli import completion, interrupts, schema
from memlyze.cli.errors import CommandError
from memlyze.cli.messages import printable_lines
from memlyze.cli.terminal import is_terminal
from memlyze.query.refusals import columns_for
from memlyze.query.statements import is_blank, split_statements
from memlyze.wording.names import printable

if typing.TYPE_CHECKING:
    from memlyze.query.session import Trace

HELP = """\
Type SQL and end it with a semicolon; it may go over several lines.
  .schema            the views, macros and columns
  .schema NAME       the columns of one of them
  .help              this help (so does help)
  .quit              leave (so do quit, exit and ^D)
Tab completes the names of views, macros and columns.
Start with:  FROM hotspots() LIMIT 10;"""
_HISTORY_LINES = 1000
# What people type at a prompt that they do not know.
_WORDS = {"help": ".help", "?": ".help", "quit": ".quit", "exit": ".quit"}


def run_prompt(trace: Trace, form: str, *, may_write_files: bool = False) -> int:
    """Read statements from standard input until its end, and answer each.

    On a terminal a wrong statement is complained about and forgotten; from a pipe or file it ends
    the command. Returns the exit status.
    """
    from memlyze.cli.query import answer

    is_interactive = is_terminal(sys.stdin)
    if is_interactive:
        names = printable(", ".join(trace.paths))
        print(f"memlyze: {names}. Type .help for help, .quit to leave.")
    with _line_editing(is_interactive):
        for statement in _statements(is_interactive):
            try:
                if statement.startswith("."):
                    if not _command(statement):
                        return 0
                else:
                    with interrupts.watched(trace.interrupt):
                        answer(trace, statement, form, may_write_files=may_write_files)
            except CommandError as error:
                print(printable_lines(error), file=sys.stderr)
                if not is_interactive:
                    return 1
            except KeyboardInterrupt:
                if not is_interactive:
                    raise
                print("interrupted", file=sys.stderr)
    return 0


def _statements(is_interactive: bool) -> typing.Iterator[str]:
    """The statements and dot commands of standard input, one at a time."""
    pending = ""
    while True:
        try:
            line = _read_line("   ...> " if pending else "memlyze> ", is_interactive)
        except KeyboardInterrupt:
            if not is_interactive:
                raise
            print()
            pending = ""
            continue
        if line is None:
            if not is_blank(pending) and not is_interactive:
                yield pending.strip()
            return
        word = line.strip()
        word = _WORDS.get(word.rstrip(";").lower(), word)
        if is_blank(pending) and word.startswith("."):
            yield word
            continue
        statements, pending = split_statements(pending + line + "\n")
        yield from statements
        if is_blank(pending):
            pending = ""


def _read_line(prompt: str, is_interactive: bool) -> str | None:
    """One line, or None at the end of the input."""
    if not is_interactive:
        line = sys.stdin.readline()
        return line.rstrip("\n") if line else None
    try:
        return input(prompt)
    except EOFError:
        print()
        return None


def _command(text: str) -> bool:
    """Run a dot command; False: leave."""
    name, _, rest = text.rstrip(";").partition(" ")
    if name in (".quit", ".exit", ".q"):
        return False
    if name == ".schema":
        lines = columns_for(rest) if rest.strip() else schema.schema_lines()
        print("\n".join(lines))
    elif name == ".help":
        print(HELP)
    else:
        raise CommandError(f"there is no command {name}; type .help for those that exist")
    return True


@contextlib.contextmanager
def _line_editing(is_interactive: bool) -> typing.Iterator[None]:
    """Tab completes and the lines typed are kept for the next time, where readline exists."""
    if not is_interactive:
        yield
        return
    try:
        import readline
    except ImportError:
        yield
        return
    completion.install()
    base = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    path = os.path.join(base, "memlyze", "query_history")
    with contextlib.suppress(OSError):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        readline.read_history_file(path)
    readline.set_history_length(_HISTORY_LINES)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            readline.write_history_file(path)
