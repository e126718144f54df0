"""What can be shown where: colour, width, plain text when nobody looks at a terminal."""

from __future__ import annotations

import os
import shutil
import typing

from memlyze.wording.figures import FEW_SAMPLES_MARK, FEW_SAMPLES_NOTE
from memlyze.wording.fitting import shorten_place, wrap
from memlyze.wording.names import shorten_right

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
_USUAL_WIDTH = 100
_LEAST_WIDTH = 20
# For such a part of what a row is about, lesser columns give way.
_ROOM_FOR_NAME = 32


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

    def prose(self, text: str, *, command: str = "") -> list[str]:
        """A sentence in lines that the terminal has room for, and `command`, which is to be typed,
        unbroken behind it.
        """
        indent = text[: len(text) - len(text.lstrip())]
        return wrap(text, self.width, indent=indent, command=command)


def is_terminal(stream: typing.TextIO) -> bool:
    """Whether a person looks at `stream`."""
    try:
        return stream.isatty()
    except (AttributeError, ValueError):  # none, or closed
        return False


class Aligned:
    """Rows of text in columns, as wide as they need to be. The last is what a row is about; where a
    terminal has no room for it, lesser columns give way.
    """

    def __init__(
        self,
        right: typing.Sequence[bool],
        *,
        lesser: typing.Sequence[typing.Sequence[int]] = (),
        fit: typing.Callable[[str, int], str] = shorten_place,
        wraps: bool = False,
    ) -> None:
        """
        Args:
            right: Of each column, whether its cells stand at its right edge.
            lesser: Columns that may be left out, those together that belong together, such as a
                figure with its error; those first that are missed least.
            fit: Shortens a cell of the last column to a width.
            wraps: The last column is prose, which goes on in further lines instead.
        """
        self._right = right
        self._lesser = lesser
        self._fit = fit
        self._wraps = wraps
        self._rows: list[list[str]] = []
        self._looks: list[typing.Sequence[str]] = []
        self._notes: list[str] = []

    def add(self, *cells: str, looks: typing.Sequence[str] = (), note: str = "") -> None:
        """Add a row: a cell for each column, how each looks (a name of `Style`, or empty), and what
        stands beneath its last cell.
        """
        self._rows.append(list(cells))
        self._looks.append(looks)
        self._notes.append(note)

    def lines(self, indent: str = "  ", style: Style | None = None) -> list[str]:
        """The rows as lines of text; with `style`, coloured and no wider than the terminal."""
        if not self._rows:
            return []
        kept, room, rows = list(range(len(self._right))), 10_000, self._rows
        if style is not None:
            kept, rows = self._chosen(style.width - len(indent))
            room = style.width - len(indent) - _left_of_last(rows, kept)
        widths = {column: max(len(row[column]) for row in rows) for column in kept}
        lines = []
        for row, looks, note in zip(rows, self._looks, self._notes):
            first, *further = self._last_cells(row[kept[-1]], room)
            shown = [(row[column], column) for column in kept[:-1]] + [(first, kept[-1])]
            lines.append(self._line(shown, looks, widths, indent, style))
            beneath = " " * (len(indent) + _left_of_last(rows, kept))
            lines += [beneath + text for text in further]
            if note:
                text = f"{beneath}  {self._fit(note, max(room - 2, 1))}"
                lines.append(text if style is None else style(text, "dim"))
        return lines

    def _chosen(self, width: int) -> tuple[list[int], list[list[str]]]:
        """The columns that there is room for, and the rows, with notes as short as need be."""
        kept, rows = list(range(len(self._right))), self._rows
        longest = max(len(row[-1]) for row in rows)
        wanted = min(longest, _ROOM_FOR_NAME)
        if _left_of_last(rows, kept) + longest > width:
            rows = [
                [FEW_SAMPLES_MARK if cell == FEW_SAMPLES_NOTE else cell for cell in row]
                for row in rows
            ]
        for columns in self._lesser:
            if _left_of_last(rows, kept) + wanted <= width:
                break
            kept = [column for column in kept if column not in columns]
        return kept, rows

    def _last_cells(self, text: str, room: int) -> list[str]:
        if len(text) <= room:
            return [text]
        if self._wraps:
            return wrap(text, max(room, _LEAST_WIDTH))
        return [self._fit(text, max(room, 1))]

    def _line(
        self,
        row: typing.Sequence[tuple[str, int]],
        looks: typing.Sequence[str],
        widths: typing.Mapping[int, int],
        indent: str,
        style: Style | None,
    ) -> str:
        cells = [
            (indent if place == 0 else "  ")
            + (cell.rjust(widths[column]) if self._right[column] else cell.ljust(widths[column]))
            for place, (cell, column) in enumerate(row)
        ]
        line = "".join(cells).rstrip()
        if style is None:
            return line
        if not self._wraps:
            line = shorten_right(line, style.width)
        if not any(looks):
            return line
        parts, start = [], 0
        for cell, (_, column) in zip(cells, row):
            part = line[start : start + len(cell)]
            look = looks[column] if column < len(looks) else ""
            parts.append(style(part, look) if look and part.strip() else part)
            start += len(cell)
        return "".join(parts)


def _left_of_last(rows: typing.Sequence[typing.Sequence[str]], kept: typing.Sequence[int]) -> int:
    """How wide all columns but the last are, with the space behind each."""
    return sum(max(len(row[column]) for row in rows) + 2 for column in kept[:-1])
