"""Text in the width that there is: names and places shortened where they say least, prose wrapped,
and what is to be typed always whole.
"""

from __future__ import annotations

import re
import textwrap

from memlyze.wording.names import shorten_right

# A file with its line, and the folders before it, which say least of a place.
_POSITION = re.compile(
    r"<frozen [^<>]*>:\d+|(?:[^\s\"'(]\S*[/\\]|[/\\])?[^\s/\\(]+(?::\d+|\.py)(?=[\s),;]|$)"
)
_SEPARATOR = re.compile(r"[/\\]")
# Of a function beside its file and line, this much is worth its room.
_LEAST_FUNCTION = 6
# A figure is one word, with its unit and its error.
_WITHIN_FIGURE = re.compile(r"(?<=\d) (?=[kKMGTPE]?i?B\b|[kMG]\b|%|[nmµ]?s\b)|(?<=\S) (?=±)")
_NO_BREAK = "\u00a0"


def shorten_place(text: str, width: int) -> str:
    """A text with a place in it, `package/module.py:31 Class.method` or the function first, in at
    most `width` characters: folders go first, from the left, then the end of the function's name,
    then the beginning of the file's. The line stays as long as there is room for it.
    """
    if len(text) <= width:
        return text
    found = _POSITION.search(text)
    if found is None:
        return shorten_right(text, width)
    before, path, after = text[: found.start()], found[0], text[found.end() :]
    path = _without_folders(path, width - len(before) - len(after))
    if before.endswith("  ") and not after:  # the function first, as in a tree
        room = width - len(path)
        if len(before) > room >= _LEAST_FUNCTION:
            before = shorten_right(before.rstrip(), room - 1) + " "
    if len(before) + len(path) + len(after) > width:
        room = width - len(before) - len(path)
        after = shorten_right(after, room) if room > _LEAST_FUNCTION else after[:0]
        path = _end_of(path, width - len(before))
    return shorten_right(before + path + after, width)


def _without_folders(path: str, room: int) -> str:
    """`…/package/module.py:31`, with as many of the last folders as there is room for."""
    if len(path) <= room:
        return path
    ends = [path[found.start() :] for found in _SEPARATOR.finditer(path)]
    fitting = (end for end in ends if len(end) < room)
    return "…" + next(fitting, ends[-1]) if ends else path


def _end_of(path: str, room: int) -> str:
    return path if len(path) <= room or room < 2 else "…" + path[-(room - 1) :].lstrip("…")


def shorten_middle(text: str, width: int) -> str:
    """`text` in at most `width` characters, with most of its beginning and of its end."""
    if len(text) <= width:
        return text
    end = (width - 1) // 2
    return f"{text[: width - 1 - end]}…{text[len(text) - end :]}"


def wrap(text: str, width: int, *, indent: str = "", command: str = "") -> list[str]:
    """`text` in lines of at most `width` characters, those after the first with `indent`, figures
    whole; and `command`, which is to be typed, behind it or in a line of its own: never broken,
    however long it is, as the terminal's own break can be copied and a line feed can not.
    """
    words = _WITHIN_FIGURE.sub(_NO_BREAK, text)
    if command:
        words += " " + command.replace(" ", _NO_BREAK)
    if len(words) <= width:
        return [words.replace(_NO_BREAK, " ")]
    lead = words[: len(words) - len(words.lstrip(" "))]
    lines = textwrap.wrap(
        words.strip(" "),
        max(width, len(lead) + 1, len(indent) + 1),
        initial_indent=lead,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
        expand_tabs=False,
        replace_whitespace=False,
    )
    return [line.replace(_NO_BREAK, " ") for line in lines]
