"""What can be shown where: colour, width, plain text when nobody looks at a terminal."""

from __future__ import annotations

import os
import shutil
import typing
from itertools import zip_longest

from memlyze.wording.names import shorten_right

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
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
        """`text` in the named styles: bold, dim, red, green, yellow, cyan."""
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


class Aligned:
    """Rows of text in columns, as wide as they need to be."""

    def __init__(self, right: typing.Sequence[bool]) -> None:
        self._right = right
        self._rows: list[list[str]] = []
        self._looks: list[typing.Sequence[str]] = []

    def add(self, *cells: str, looks: typing.Sequence[str] = ()) -> None:
        """Add a row: a cell for each column, and how each looks (a name of `Style`, or empty)."""
        self._rows.append(list(cells))
        self._looks.append(looks)

    def lines(self, indent: str = "  ", style: Style | None = None) -> list[str]:
        """The rows as lines of text; with `style`, coloured and no wider than the terminal."""
        if not self._rows:
            return []
        widths = [max(len(cell) for cell in column) for column in zip(*self._rows)]
        return [
            self._line(row, looks, widths, indent, style)
            for row, looks in zip(self._rows, self._looks)
        ]

    def _line(
        self,
        row: typing.Sequence[str],
        looks: typing.Sequence[str],
        widths: typing.Sequence[int],
        indent: str,
        style: Style | None,
    ) -> str:
        cells = [
            (indent if number == 0 else "  ") + (cell.rjust(width) if right else cell.ljust(width))
            for number, (cell, width, right) in enumerate(zip(row, widths, self._right))
        ]
        line = "".join(cells).rstrip()
        if style is None:
            return line
        line = shorten_right(line, style.width)
        if not any(looks):
            return line
        parts, start = [], 0
        for cell, look in zip_longest(cells, looks, fillvalue=""):
            part = line[start : start + len(cell)]
            parts.append(style(part, look) if look and part.strip() else part)
            start += len(cell)
        return "".join(parts)
