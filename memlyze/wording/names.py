"""Names that a traced program chose, as they may be shown."""

from __future__ import annotations

import os


def printable(text: str) -> str:
    """`text` without control characters, which a traced program could have put into its names."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else repr(character)[1:-1] for character in text
    )


#: More of a name that the program chose is not shown where many names are.
WIDEST_NAME = 120


#: What traces call the function and the file of what was allocated while no Python code ran; and
#: what people are told.
UNKNOWN, NO_PYTHON = "<unknown>", "(no Python code)"
#: What the analysis of leaks calls the functions, or the files, of lines that grow together; and
#: what people are told.
SEVERAL_FUNCTIONS, LINES_OF_SEVERAL_FUNCTIONS = "<several functions>", "several functions"
SEVERAL_FILES, LINES_OF_SEVERAL_FILES = "<several files>", "lines of several files"


def short_name(name: str) -> str:
    """A name as it may be shown in a list: printable, and of no more than `WIDEST_NAME`."""
    if name == UNKNOWN:
        return NO_PYTHON
    if name == SEVERAL_FUNCTIONS:
        return LINES_OF_SEVERAL_FUNCTIONS
    return shorten_right(printable(name[: 2 * WIDEST_NAME]), WIDEST_NAME)


def shorten_path(path: str, width: int) -> str:
    """`path` in at most `width` characters, its end kept: `…/package/module.py`."""
    return path if len(path) <= width else "…" + path[-(width - 1) :]


def path_from_here(path: str) -> str:
    """A whole path as it is called in the working directory, where it lies below that."""
    try:
        relative = os.path.relpath(path)
    except OSError:  # there is no working directory any more
        return path
    return path if relative.startswith("..") else relative


def shorten_right(line: str, width: int) -> str:
    """`line` in at most `width` characters, its beginning kept."""
    return line if len(line) <= width else line[: width - 1] + "…"
