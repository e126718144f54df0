"""docs/sql.md: what it says of columns is what the `.sql` files say, and its queries run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from known_trace import PROGRAM_FILE, known_trace
from trace_encoder import Allocation, Free, Run, TraceEncoder

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


def test_example_is_told_by_a_question_in_plain_words() -> None:
    titles = [example.title for example in definitions.examples()]
    assert len(titles) == len(QUERIES)
    assert [title for title in titles if not re.fullmatch(r"[A-Z][^?`*\[\]]{15,}\?", title)] == []


def test_function_counts_once_a_stack_with_all_that_it_calls(tmp_path: Path) -> None:
    """Two processes: `main` calls `load`, which calls itself twice, and then `decode`."""
    (query,) = [e.sql for e in definitions.examples() if e.title.startswith("Which functions led")]
    for process_id in (7, 8):
        trace = TraceEncoder({"process_id": process_id, "sample_rate": 1.0, "end_ns": 10**9})
        codes = ["main", "load", "decode", "other"]
        trace.add(
            "codes",
            [
                {"code_id": n, "function": name, "file": PROGRAM_FILE, "first_line": 10 * n}
                for n, name in enumerate(codes, 1)
            ],
        )
        parents = [(1, 0, 1), (2, 1, 2), (3, 2, 2), (4, 3, 3), (5, 1, 4)]
        trace.add(
            "stacks",
            [{"stack_id": s, "parent_id": above, "code_id": code} for s, above, code in parents],
        )
        made = [Allocation(300, 3), Allocation(200, 4), Allocation(500, 5)]
        trace.add_runs([Run(1, 10**6, 65536, made), Run(1, 2 * 10**6, 65539, [Free(65536)])])
        trace.write(tmp_path / f"{process_id}.mlyze")
    with open_trace(*(str(tmp_path / f"{number}.mlyze") for number in (7, 8))) as opened:
        rows = opened.sql(query).fetchall()
    file = PROGRAM_FILE
    assert sorted(rows) == [
        ("decode", file, 400, 0.2, 400, 400),
        ("load", file, 1000, 0.5, 600, 400),
        ("other", file, 1000, 0.5, 1000, 1000),
    ]


@pytest.mark.parametrize("query", QUERIES, ids=range(len(QUERIES)))
def test_query_of_the_page_gives_rows(query: str, tmp_path: Path) -> None:
    encoder = known_trace()
    encoder.add("sources", [{"file": PROGRAM_FILE, "size": 1200, "crc32": 7}])
    encoder.write(tmp_path / "t.mlyze")
    with open_trace(str(tmp_path / "t.mlyze")) as trace:
        relation = trace.sql(query)
        assert relation.columns
        assert relation.fetchall()
