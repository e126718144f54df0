"""Which private tables a query reads, so that only those are decoded.

`EXPLAIN` gives the plan as bound and not yet optimised: it names every table behind views, macros,
views that the user made and `query('…')` alike. Tables that are decoded already are no longer scans
of a table of that name, so they do not show up again.
"""

from __future__ import annotations

import json
import re
import typing

from memlyze.query.engine import engine
from memlyze.query.raw_tables import PREFIX, RAW_TABLES

if typing.TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_EXPLAIN = re.compile(r"^\s*explain(\s+analyze)?(\s*\([^)]*\))?\s+", re.IGNORECASE)


def tables_touched(connection: DuckDBPyConnection, sql: str, parameters: object = None) -> set[str]:
    """Names (without prefix) of the tables not decoded yet that `sql`, one statement, reads.

    A statement that cannot be explained touches nothing, or is wrong and says so when it is run.
    """
    plans = _explain(connection, sql, parameters)
    if plans == []:
        # DuckDB 1.5 explains nothing of a PIVOT without IN, which it runs as two statements: then
        # whatever the words in it may name.
        words = set(re.findall(r"\w+", sql))
        sources = [f"FROM {word}{call}" for word in words for call in ("", "()")]
        plans = [plan for source in sources for plan in _explain(connection, source) or []]
    touched: set[str] = set()
    for plan in plans or []:
        _collect(plan, touched)
    return touched & RAW_TABLES.keys()


def _explain(
    connection: DuckDBPyConnection, sql: str, parameters: object = None
) -> list[typing.Any] | None:
    """The plans of a statement; None where it cannot be explained."""
    try:
        explain = "EXPLAIN (FORMAT json) " + _EXPLAIN.sub("", sql, count=1)
        rows = connection.execute(explain, parameters).fetchall()
    except engine().Error:
        return None
    return [json.loads(plan) for _key, plan in rows]


def _collect(plan: typing.Any, touched: set[str]) -> None:
    if isinstance(plan, list):
        for node in plan:
            _collect(node, touched)
        return
    table = (plan.get("extra_info") or {}).get("Table")
    if isinstance(table, str):
        name = table.rsplit(".", 1)[-1].strip('"')
        if name.startswith(PREFIX):
            touched.add(name[len(PREFIX) :])
    _collect(plan.get("children", []), touched)
