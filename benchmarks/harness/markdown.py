"""Tables and numbers in Markdown."""

from __future__ import annotations

import math
from typing import Sequence

from harness.spreads import Spread

NOTHING = "–"
NOT_MEASURED = "Not measured yet."


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose first column is text and whose others are aligned right."""
    if not rows:
        return NOT_MEASURED
    rule = ["---", *["---:" for _ in head[1:]]]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, rule, *rows])


def ratio(value: Spread | None) -> str:
    """Median and, where there were several rounds, its margin."""
    if value is None:
        return NOTHING
    if math.isinf(value.margin):
        return f"{value.median:.2f}"
    return f"{value.median:.3f} ±{value.margin:.3f}" if value.median < 2 else f"{value.median:.2f}"


def number(value: float | None, digits: int = 2) -> str:
    if value is None or math.isnan(value):
        return NOTHING
    return f"{value:,.{digits}f}".replace(",", " ")


def names(values: Sequence[str]) -> str:
    return ", ".join(f"`{value}`" for value in values) or "none"
