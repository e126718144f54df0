"""Writes the tables into docs/performance.md, each between its two markers; the text around them
stays.

A table stands between `<!-- table: NAME -->` and `<!-- end of table -->`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Callable

from harness import (
    analyses_speed,
    intervals,
    markdown,
    other_tables,
    overhead_tables,
    page,
    references,
    summary_table,
)
from harness.results import Results

TABLES: dict[str, Callable[[Results], str]] = {
    "summary": summary_table.summary,
    "environment": other_tables.environment,
    "wall time": overhead_tables.wall_time,
    "cpu time": overhead_tables.cpu_time,
    "intervals": intervals.table,
    "instructions": overhead_tables.instruction_counts,
    "traces": overhead_tables.trace_sizes,
    "live memory": other_tables.live_memory,
    "flat memory": other_tables.flat_memory,
    "queries": other_tables.query_times,
    "analyses": analyses_speed.table,
    "decoding": other_tables.decoding,
    "references": references.table,
    "page": page.table,
    "accuracy": other_tables.error_bars,
    "accuracy by samples": other_tables.error_bars_by_samples,
}
_PLACE = re.compile(r"(<!-- table: ([a-z ]+) -->\n).*?(<!-- end of table -->)", re.DOTALL)


def write(results: Results, file: Path) -> None:
    """Bring every table of the file up to date of which anything was measured.

    Raises:
        KeyError: the page has a marker for a table that does not exist.
    """

    def fill(place: re.Match[str]) -> str:
        before, name, after = place.groups()
        table = TABLES[name](results)
        is_nothing = name == "summary" and not summary_table.is_measured(results)
        if table == markdown.NOT_MEASURED or is_nothing:
            return place.group()  # what stands there was measured at another time
        return f"{before}\n{table}\n\n{after}"

    text = file.read_text(encoding="utf-8")
    file.write_text(_PLACE.sub(fill, text), encoding="utf-8")
