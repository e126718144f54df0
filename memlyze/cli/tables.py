"""Shows the result of a query as a table."""

from __future__ import annotations

import typing

from memlyze.cli.terminal import Style
from memlyze.wording.names import printable

if typing.TYPE_CHECKING:
    from duckdb import DuckDBPyRelation

#: Rows shown on a terminal, where more would scroll the first away.
TERMINAL_ROWS = 100
_NUMBERS = ("INT", "DOUBLE", "FLOAT", "DECIMAL", "HUGEINT")
_WIDEST_CELL = 80


def table_lines(relation: DuckDBPyRelation, style: Style) -> list[str]:
    """The result as aligned text: header, rule, rows.

    Plain text and every row where nobody looks at a terminal; there, the first rows within its
    width.
    """
    # PIVOT makes columns of what stands in the trace: their names are no less strange than values.
    names = [_cell(name, style) for name in relation.columns]
    limited = relation.limit(TERMINAL_ROWS + 1) if style.is_terminal else relation
    rows = limited.fetchall()
    cut = style.is_terminal and len(rows) > TERMINAL_ROWS
    if cut:
        del rows[TERMINAL_ROWS:]
    right = [any(word in str(kind) for word in _NUMBERS) for kind in relation.types]
    cells = [[_cell(value, style) for value in row] for row in rows]
    widths = [
        max(len(name), *(len(row[column]) for row in cells)) if cells else len(name)
        for column, name in enumerate(names)
    ]

    def line(texts: typing.Sequence[str]) -> str:
        return "  ".join(
            text.rjust(width) if is_right else text.ljust(width)
            for text, width, is_right in zip(texts, widths, right)
        ).rstrip()

    lines = [
        style(_fit(line(names), style), "bold"),
        _fit("  ".join("─" * width for width in widths), style),
        *(_fit(line(row), style) for row in cells),
    ]
    if cut:
        lines.append(
            f"({TERMINAL_ROWS} rows shown; for all of them add LIMIT, or --format csv, or pipe it)"
        )
    else:
        lines.append(
            f"({len(rows)} row{'' if len(rows) == 1 else 's'})" if style.is_terminal else ""
        )
    return lines if lines[-1] else lines[:-1]


def _cell(value: object, style: Style) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, float):
        # A figure of many digits is a whole one, such as estimated bytes; never 2.03e+08.
        is_whole = value.is_integer() or abs(value) >= 1e5
        return f"{value:.0f}" if is_whole and abs(value) < 1e15 else f"{value:.6g}"
    text = printable(str(value))
    if style.is_terminal and len(text) > _WIDEST_CELL:
        return text[: _WIDEST_CELL - 1] + "…"
    return text


def _fit(line: str, style: Style) -> str:
    return line if len(line) <= style.width else line[: style.width - 1] + "…"
