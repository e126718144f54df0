"""Help in the width of the terminal."""

from __future__ import annotations

import re
import shutil
import textwrap

# What is to be typed or chosen, and what is said of it.
_EXPLAINED = re.compile(r"(?P<typed>\s+(?:\S.*?\S)??)(?P<gap>\s{2,})(?P<said>\S.*)")
# Narrower than this, what is said stands in lines of its own.
_LEAST_WIDTH = 24
_INDENT = " " * 6


def fitted(text: str, width: int | None = None) -> str:
    """A help text in lines of at most `width` characters, by default those of the terminal.

    Paragraphs, which are not indented, are broken anew; and so is what stands in a column behind
    what is to be typed, which itself is never broken.
    """
    if width is None:
        width = shutil.get_terminal_size().columns
    lines: list[str] = []
    paragraph: list[str] = []
    for line in [*text.splitlines(), ""]:
        if line and not line[0].isspace():
            paragraph.append(line)
            continue
        lines += _paragraph(paragraph, width)
        paragraph = []
        lines += _explained(line, width)
    return "\n".join(lines[:-1]) + "\n"


def _paragraph(lines: list[str], width: int) -> list[str]:
    if all(len(line) <= width for line in lines):
        return lines
    return textwrap.wrap(" ".join(lines), width, break_long_words=False, break_on_hyphens=False)


def _explained(line: str, width: int) -> list[str]:
    found = _EXPLAINED.fullmatch(line)
    if len(line) <= width or found is None:
        return [line]
    column = found.start("said")
    if width - column >= _LEAST_WIDTH:
        said = textwrap.wrap(found["said"], width - column)
        return [line[:column] + said[0], *(" " * column + more for more in said[1:])]
    said = textwrap.wrap(
        found["said"], max(width, _LEAST_WIDTH), initial_indent=_INDENT, subsequent_indent=_INDENT
    )
    return [*([found["typed"]] if found["typed"].strip() else []), *said]
