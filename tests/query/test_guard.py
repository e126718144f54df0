"""SQL that somebody else wrote reads the trace and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator

import pytest

from memlyze.errors import QueryError
from memlyze.query.session import Trace, open_trace

SECRET = "secret of this program"


@pytest.fixture
def untrusted(path: str) -> Iterator[Trace]:
    with open_trace(path, trusted=False) as trace:
        yield trace


@pytest.mark.parametrize(
    "query",
    [
        "FROM '{file}'",
        "FROM read_csv('{file}')",
        "FROM read_text('{file}')",
        "FROM read_blob('{file}')",
        "FROM glob('{folder}/*')",
        "FROM read_parquet('https://example.com/a.parquet')",
        "FROM local_variable",
        "SELECT getenv('HOME')",
    ],
)
def test_files_network_and_variables_are_out_of_reach(
    query: str, untrusted: Trace, tmp_path: Path
) -> None:
    local_variable = {"a": [1]}  # what DuckDB would otherwise find by its name
    (tmp_path / "data.csv").write_text(f"a\n{SECRET}\n")
    sql = query.format(file=tmp_path / "data.csv", folder=tmp_path)
    with pytest.raises(QueryError) as refusal, untrusted.reading(sql) as relation:
        assert relation is not None
        relation.fetchall()
    assert SECRET not in str(refusal.value)
    assert local_variable


@pytest.mark.parametrize(
    "query",
    [
        "DROP VIEW gc",
        "CREATE OR REPLACE VIEW gc AS SELECT 1",
        "CREATE TEMP VIEW gc AS SELECT 1",
        "CREATE TABLE t AS SELECT 1",
        "INSERT INTO _raw_gc VALUES (1)",
        "SET threads = 1",
        "RESET memory_limit",
        "ATTACH 'other.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "COPY gc TO 'out.csv'",
        "EXPORT DATABASE 'out'",
        "BEGIN",
        "ROLLBACK",
        "PRAGMA threads = 1",
        "SELECT 1; DROP VIEW gc",
        "SELECT 1; SELECT 2",
        "CREATE TEMP VIEW gc AS SELECT 1; SELECT 2",
        "",
        "-- nothing",
        "SELECT 'a\0b'",
        "SELECT 'a\udcffb'",
    ],
)
def test_only_a_single_reading_statement_is_run(
    query: str, untrusted: Trace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(QueryError), untrusted.reading(query):
        pass
    assert sorted(tmp_path.iterdir()) == before
    with untrusted.reading("SELECT count(*) FROM gc") as relation:
        assert relation is not None
        assert relation.fetchall() == [(2,)]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 1",
        "FROM gc;",
        "WITH a AS (FROM gc) FROM a",
        "VALUES (1)",
        "DESCRIBE gc",
        "SUMMARIZE gc",
        "SHOW TABLES",
        "EXPLAIN FROM gc",
        "EXPLAIN ANALYZE SELECT count(*) FROM gc",
        "PIVOT gc ON generation USING count(*)",
        "-- a remark\nFROM gc -- and another",
    ],
)
def test_reading_statements_of_all_kinds_are_run(query: str, untrusted: Trace) -> None:
    with untrusted.reading(query) as relation:
        assert relation is not None
        assert relation.fetchall()


def test_settings_cannot_be_changed_back(untrusted: Trace) -> None:
    with pytest.raises(QueryError, match=r"locked|Cannot change"):
        untrusted.sql("SET enable_external_access = true")


def test_query_after_a_failed_one_works(untrusted: Trace) -> None:
    import duckdb

    with pytest.raises(QueryError), untrusted.reading("SELECT nothing FROM gc"):
        pass
    failing = untrusted.reading("SELECT error('stop') FROM gc")
    with pytest.raises(duckdb.Error), failing as relation:
        assert relation is not None
        relation.fetchall()
    with untrusted.reading("SELECT count(*) FROM threads") as relation:
        assert relation is not None
        assert relation.fetchall() == [(2,)]


def test_untrusted_queries_spill_to_disk_too(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memlyze.query.limits.memory_limit_bytes", lambda: 40_000_000)
    query = """
        SELECT count(*) FROM (
            SELECT md5(i::VARCHAR) AS text FROM range(800000) AS r (i) ORDER BY text OFFSET 1
        )
    """
    with open_trace(path, trusted=False) as trace, trace.reading(query) as relation:
        assert relation is not None
        assert relation.fetchall() == [(799999,)]
