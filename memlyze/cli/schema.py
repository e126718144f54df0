"""What can be queried, in words: for `--schema`, the prompt, and after a wrong query."""

from __future__ import annotations

import re
import textwrap

from memlyze.query.definitions import Definition, macros, views

_WORD = re.compile(r"\w+")


def schema_lines() -> list[str]:
    """Every view and macro with its columns and what they mean."""
    lines: list[str] = []
    for definition in views() + macros():
        what = "view" if definition.kind == "view" else "macro, called as a table"
        lines += [f"{definition.signature}    ({what})", *_wrapped(definition.comment, "  ")]
        for parameter in definition.parameters:
            lines += _wrapped(f"{parameter.name}: {parameter.comment}", "    parameter ", 14)
        width = max(len(column.name) for column in definition.columns)
        for column in definition.columns:
            lines += _wrapped(column.comment, f"    {column.name.ljust(width)}  ")
        lines.append("")
    return lines[:-1]


def _wrapped(text: str, start: str, indent: int | None = None) -> list[str]:
    following = " " * (len(start) if indent is None else indent)
    return textwrap.wrap(text, 100, initial_indent=start, subsequent_indent=following)


def columns_for(query: str) -> list[str]:
    """What exists, for somebody whose query was refused: the columns of the views that it names.

    A query that names none gets the names of all.
    """
    words = {word.lower() for word in _WORD.findall(query)}
    named = [definition for definition in views() + macros() if definition.name in words]
    if named:
        return [line for definition in named for line in _columns(definition)]
    return [
        "views:  " + ", ".join(definition.name for definition in views()),
        "macros: " + ", ".join(definition.signature for definition in macros()),
    ]


def _columns(definition: Definition) -> list[str]:
    start = f"{definition.signature} has: "
    names = ", ".join(column.name for column in definition.columns)
    return textwrap.wrap(names, 100, initial_indent=start, subsequent_indent="    ")
