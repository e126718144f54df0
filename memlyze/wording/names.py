"""Names that a traced program chose, as they may be shown."""

from __future__ import annotations

import re


def printable(text: str) -> str:
    """`text` without control characters, which a traced program could have put into its names."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else repr(character)[1:-1] for character in text
    )


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


#: More of a name that the program chose is not shown where many names are.
WIDEST_NAME = 120


def short_name(name: str) -> str:
    """A name as it may be shown in a list: printable, and of no more than `WIDEST_NAME`."""
    return shorten_right(printable(name[: 2 * WIDEST_NAME]), WIDEST_NAME)


def shorten_path(path: str, width: int) -> str:
    """`path` in at most `width` characters, its end kept: `…/package/module.py`."""
    return path if len(path) <= width else "…" + path[-(width - 1) :]


def shorten_right(line: str, width: int) -> str:
    """`line` in at most `width` characters, its beginning kept."""
    return line if len(line) <= width else line[: width - 1] + "…"
