"""Opens the traces that a command was given."""

from __future__ import annotations

import argparse
import codecs
import dataclasses
import glob
import json
import os
import re
import shlex
import sys
import typing
from itertools import takewhile

from memlyze.cli.errors import UsageError
from memlyze.cli.messages import say
from memlyze.cli.terminal import Style
from memlyze.wording.fitting import wrap
from memlyze.wording.names import printable
from memlyze.wording.trace_state import state_lines
from memlyze.wording.units import plural

if typing.TYPE_CHECKING:
    from memlyze.query.session import Trace

FIRST = "first"
#: What to say where a path has no characters, as that of an unset variable of a shell.
NO_NAME = "the name of a trace is empty; give the path of a .mlyze trace"
_SHOWN = 5
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def add_only_option(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """Give a command that reads traces the option `--only`."""
    parser.add_argument(
        "--only",
        metavar="PROCESS",
        help="of a program and the processes that it started, read only one: "
        "its number, or 'first' for the program",
    )


def open_traces(
    paths: typing.Sequence[str], *, only: str | None = None, trusted: bool = True
) -> Trace:
    """Open trace files with all of their family, or `only` one process of it.

    Raises UsageError for a path that is no file or a process that is not there, MemlyzeError for a
    bad file.
    """
    for path in paths:
        if not path:
            raise UsageError(NO_NAME)
        if not os.path.exists(path):
            raise UsageError(f"there is no file {path}; give the path of a .mlyze trace")
        if os.path.isdir(path):
            raise UsageError(f"{path} is a folder; give the path of a .mlyze trace in it")
    from memlyze.query.session import open_trace
    from memlyze.trace.family import distinct_files

    kept = distinct_files(paths)
    if len(kept) < len(paths):
        again = [path for path in paths if path not in kept] or kept
        say(f"{again[0]} was given more than once and is read once")
    if only == FIRST:
        return open_trace(kept, family=False, trusted=trusted)
    _allow_many_files()
    if only is None:
        return open_trace(kept, trusted=trusted)
    with open_trace(kept) as trace:
        chosen = _files_of_process(trace, only)
    return open_trace(chosen, family=False, trusted=trusted)


def _files_of_process(trace: Trace, process: str) -> list[str]:
    """The files of the process that has this number, in the views or in the system."""
    own = {
        file.path: (str(number), str(file.metadata.get("process_id")))
        for file, number in zip(trace.files, trace.process_ids)
    }
    found = [path for path, (number, _) in own.items() if number == process]
    found += [path for path, numbers in own.items() if process in numbers and path not in found]
    if not found:
        numbers = sorted({number for number, _ in own.values()}, key=int)
        there = ", ".join(numbers[:_SHOWN]) + (", …" if len(numbers) > _SHOWN else "")
        raise UsageError(f"there is no process {process} in {trace.paths[0]}; it has {there}")
    return found


def _allow_many_files() -> None:
    """A family may have more files than a process may have open by default."""
    try:
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    except (ImportError, OSError, ValueError):
        return


def print_json(value: typing.Any) -> None:
    """Print what an analysis found as one JSON object."""
    print(json_text(value, indent=2))


def json_text(value: typing.Any, *, indent: int | None = None) -> str:
    """`value` as JSON that standard output can have, whatever a program or a file is called.

    Where a name is no text, its bytes are lone surrogates, which UTF-8 does not have: these are
    always escaped, and where the output is not UTF-8, so is all that is not ASCII.
    """
    is_utf_8 = codecs.lookup(getattr(sys.stdout, "encoding", None) or "utf-8").name == "utf-8"
    text = json.dumps(as_json(value), ensure_ascii=not is_utf_8, indent=indent)
    return _LONE_SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def title_lines(trace: Trace, style: Style) -> list[str]:
    """The first lines of what a command says of a trace: its file, and what is wrong with it."""
    return titled(trace.paths, state_lines(trace), style)


def titled(paths: typing.Sequence[str], state: typing.Sequence[str], style: Style) -> list[str]:
    """`title_lines` of a trace that is closed by now."""
    first, *others = paths
    name = f"{first} and {plural(len(others), 'more trace', 'more traces')}" if others else first
    title = f"{style('memlyze', 'bold')}: {printable(name)}"
    broken = (part for line in state for part in wrap(f"  ! {line}", style.width, indent="    "))
    return [title, *(style(line, "yellow") for line in broken)]


def typed_paths(paths: typing.Sequence[str]) -> str:
    """What to type for these traces: a pattern where there is one for them and no others."""
    if len(paths) > 1:
        pairs = zip(min(paths), max(paths))  # these two have in common what all have
        common = "".join(a for a, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        common = common.rstrip("0123456789")
        if sorted(glob.glob(glob.escape(common) + "*.mlyze")) == sorted(set(paths)):
            return printable(shlex.quote(common) if common else "") + "*.mlyze"
    return printable(" ".join(map(shlex.quote, paths)))


def as_json(value: typing.Any) -> typing.Any:
    """Named tuples as objects, all the way down, for `json.dumps`."""
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return {name: as_json(getattr(value, name)) for name in value._fields}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: as_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, (list, tuple)):
        return [as_json(item) for item in value]
    if isinstance(value, dict):
        return {str(key): as_json(item) for key, item in value.items()}
    return value
