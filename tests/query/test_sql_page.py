"""docs/sql.md: what it says of columns is what the `.sql` files say, and its queries run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from known_trace import PROGRAM_FILE, known_trace

from memlyze.query import definitions
from memlyze.query.session import open_trace

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "sql.md").read_text(encoding="utf-8")
QUERIES = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)


def test_reference_is_what_the_sql_files_say() -> None:
    script = ROOT / "scripts" / "write_sql_reference.py"
    result = subprocess.run(
        [sys.executable, str(script), "--check"], capture_output=True, text=True, timeout=60
    )
    assert (result.stdout, result.returncode) == ("", 0)


@pytest.mark.parametrize(
    "name", [definition.name for definition in definitions.views() + definitions.macros()]
)
def test_view_or_macro_has_a_query_that_uses_it(name: str) -> None:
    section = PAGE.split(f"<!-- reference: {name} -->")[1].split("\n### ")[0]
    queries = re.findall(r"```sql\n(.*?)```", section, re.DOTALL)
    assert any(re.search(rf"\b{name}\b", query) for query in queries)


@pytest.mark.parametrize("query", QUERIES, ids=range(len(QUERIES)))
def test_query_of_the_page_gives_rows(query: str, tmp_path: Path) -> None:
    encoder = known_trace()
    encoder.add("sources", [{"file": PROGRAM_FILE, "size": 1200, "crc32": 7}])
    encoder.write(tmp_path / "t.mlyze")
    with open_trace(str(tmp_path / "t.mlyze")) as trace:
        relation = trace.sql(query)
        assert relation.columns
        assert relation.fetchall()
