"""Command lines, and processes by them, as a person would call them."""

from __future__ import annotations

import re

# What `multiprocessing` starts: code in the command line that says which part of it this is, and
# paths and descriptors that differ from one process to the next.
_MULTIPROCESSING = re.compile(r" -c '?from multiprocessing\.(\w+) import (?:spawn_)?main\b")
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
