"""What can be queried, in words: for `--schema` and the prompt."""

from __future__ import annotations

import textwrap

from memlyze.query.definitions import macros, views


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
