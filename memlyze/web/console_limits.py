"""What a query of the SQL console may take."""

from __future__ import annotations

import typing


class ConsoleLimits(typing.NamedTuple):
    """Bounds of one query."""

    rows: int
    """Rows that a result holds; a download has all."""
    page_rows: int
    """Rows that the first answer brings with it."""
    most_page_rows: int
    """Rows that can be asked for at once."""
    memory_bytes: int
    """What it may take beyond the decoded columns."""
    seconds: int


LIMITS = ConsoleLimits(
    rows=1_000_000, page_rows=1_000, most_page_rows=50_000, memory_bytes=1 << 30, seconds=120
)
