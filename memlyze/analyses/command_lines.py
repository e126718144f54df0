"""Command lines, and processes by them, as a person would call them."""

from __future__ import annotations

import os
import re
import typing

# What `multiprocessing` starts: code in the command line that says which part of it this is, and
# paths and descriptors that differ from one process to the next.
_MULTIPROCESSING = re.compile(r" -c '?from multiprocessing\.(\w+) import (?:spawn_)?main\b")
_PYTHON = re.compile(r"python[\d.]*t?(\.exe)?$")
# Options of the interpreter: by which the program is given, and which have a value of their own.
_GIVEN = ("-m", "-c")
_WITH_VALUE = ("-W", "-X")
_PARTS_OF_MULTIPROCESSING = {
    "spawn": "process started by spawn",
    "forkserver": "fork server and what it forked",
    "resource_tracker": "resource tracker",
}


def short_command(command_line: str) -> str:
    """A command line, or what it stands for where nobody has typed it."""
    found = _MULTIPROCESSING.search(command_line)
    if not found:
        return command_line
    part = found.group(1)
    return f"multiprocessing: {_PARTS_OF_MULTIPROCESSING.get(part, part)}"


def process_label(label: str) -> str:
    """`process 7: COMMAND LINE`, as processes are labelled in SQL, with what it stands for."""
    process, colon, command_line = label.partition(": ")
    return process + colon + short_command(command_line)


def program_of(command_line: typing.Sequence[str]) -> str:
    """What a command line runs: the name of its script or command, `-m module`, or `-c code`.

    Empty where there is no command line.
    """
    option, program = started(command_line)
    return f"{option} {program}" if option else os.path.basename(program.rstrip("/"))


class Started(typing.NamedTuple):
    """What Python was told to run."""

    option: str
    """`-m`, `-c`, or empty: a script or command."""
    program: str
    """The module, the code, or the path of the script as it was typed; empty: not known."""


def started(command_line: typing.Sequence[str]) -> Started:
    """The program that a command line names."""
    words = list(command_line)
    if words and _PYTHON.match(os.path.basename(words[0])):
        while len(words) > 1 and words[1].startswith("-"):
            if words[1] in _GIVEN and len(words) > 2:
                return Started(words[1], words[2])
            del words[1 : 3 if words[1] in _WITH_VALUE else 2]
        del words[: 1 if len(words) > 1 else 0]
    return Started("", words[0] if words else "")
