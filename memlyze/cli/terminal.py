"""What can be shown where: colour, width, plain text when nobody looks at a terminal."""

from __future__ import annotations

import os
import shutil
import typing

_CODES = {"bold": "1", "dim": "2", "red": "31", "yellow": "33", "cyan": "36"}
_USUAL_WIDTH = 100
_LEAST_WIDTH = 20


class Style:
    """Marks up text for one output stream; leaves it alone where colour is not wanted."""

    def __init__(self, stream: typing.TextIO, environment: typing.Mapping[str, str] = os.environ):
        self.is_terminal = is_terminal(stream)
        self.has_colour = (
            self.is_terminal
            and not environment.get("NO_COLOR")
            and environment.get("TERM", "dumb") != "dumb"
        )

    def __call__(self, text: str, *names: str) -> str:
        """`text` in the named styles: bold, dim, red, yellow, cyan."""
        if not self.has_colour or not text:
            return text
        codes = ";".join(_CODES[name] for name in names)
        return f"\x1b[{codes}m{text}\x1b[0m"

    @property
    def width(self) -> int:
        """Columns of the terminal; plenty where there is none."""
        if not self.is_terminal:
            return 10_000
        # A terminal that does not know its size says 0.
        return max(shutil.get_terminal_size().columns or _USUAL_WIDTH, _LEAST_WIDTH)


def is_terminal(stream: typing.TextIO) -> bool:
    """Whether a person looks at `stream`."""
    try:
        return stream.isatty()
    except (AttributeError, ValueError):  # none, or closed
        return False


def printable(text: str) -> str:
    """`text` without control characters, which a traced program could have put into its names."""
    return "".join(
        character if character.isprintable() else repr(character)[1:-1] for character in text
    )


def shorten_path(path: str, width: int) -> str:
    """`path` in at most `width` characters, its end kept: `…/package/module.py`."""
    return path if len(path) <= width else "…" + path[-(width - 1) :]


class Aligned:
    """Rows of text in columns, as wide as they need to be."""

    def __init__(self, right: typing.Sequence[bool]) -> None:
        self._right = right
        self._rows: list[list[str]] = []

    def add(self, *cells: str) -> None:
        """Add a row; one cell for each column."""
        self._rows.append(list(cells))

    def lines(self, indent: str = "  ") -> list[str]:
        """The rows as lines of text."""
        if not self._rows:
            return []
        widths = [max(len(cell) for cell in column) for column in zip(*self._rows)]
        return [
            indent
            + "  ".join(
                cell.rjust(width) if right else cell.ljust(width)
                for cell, width, right in zip(row, widths, self._right)
            ).rstrip()
            for row in self._rows
        ]
