"""Lines to whoever sits at the terminal, apart from the answer: on stderr, one at a time.

They name files and words of the command line, which may hold anything but NUL: shown as they are,
these could move the cursor, or call the window otherwise.
"""

from __future__ import annotations

import sys

from memlyze.cli.errors import RefusedQueryError
from memlyze.wording.names import printable


def say(line: str, command: str = "") -> None:
    """Print a line, with the command that says it."""
    print(f"memlyze {command}".rstrip() + f": {printable(line)}", file=sys.stderr)


def printable_lines(error: Exception) -> str:
    """The message of an error: a line, but for a query that was refused."""
    if not isinstance(error, RefusedQueryError):
        return printable(str(error))
    lines = str(error).replace("\t", " ").split("\n")  # as wide, above DuckDB's mark of the place
    return "\n".join(map(printable, lines))
