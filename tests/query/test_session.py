"""Opening traces, what is decoded, and what comes back."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from known_trace import write_known_trace

import memlyze
from memlyze.errors import MemlyzeError, OptionError
from memlyze.query import definitions
from memlyze.query.leaks.table import JudgedLives
from memlyze.query.session import Trace, open_trace


@pytest.fixture
def decoded(trace: Trace, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the tables that were asked of the reader of `trace`, as they are asked."""
    names: list[str] = []
    reader = trace.files[0]
    original = reader.table

    def table(name: str) -> dict[str, Any]:
        # What tells how to read the others: a few rows, made of the metadata or of a tiny block.
        if name not in ("processes", "samplings"):
            names.append(name)
        return original(name)

    monkeypatch.setattr(reader, "table", table)
    return names


@pytest.mark.parametrize(
    ("query", "tables"),
    [
        ("SELECT 1", set()),
        ("SHOW TABLES", set()),
        ("DESCRIBE allocations", {"allocations"}),
        ("SELECT 'allocations'", set()),
        ("SELECT max(rss) FROM memory", {"memory", "resident"}),
        ("SELECT m.rss AS gc FROM memory AS m", {"memory", "resident"}),
        ("WITH memory AS (SELECT 1 AS a) SELECT * FROM memory, threads", {"threads"}),
        ("FROM GC", {"gc"}),
        ("SELECT (SELECT count(*) FROM gc), 1", {"gc"}),
        ("SELECT * FROM query('SELECT * FROM gc')", {"gc"}),
        ("PIVOT gc ON generation USING count(*)", {"gc"}),
        ("FROM lifetimes()", {"allocations", "metadata"}),
        ("FROM hotspots()", {"allocations", "frames", "metadata", "stacks"}),
        ("EXPLAIN FROM gc", {"gc"}),
        ("SUMMARIZE threads", {"threads"}),
    ],
)
def test_only_tables_that_a_query_reads_are_decoded(
    query: str, tables: set[str], trace: Trace, decoded: list[str]
) -> None:
    trace.sql(query)
    assert set(decoded) <= tables
    if not query.startswith("DESCRIBE"):
        assert set(decoded) == tables


@pytest.mark.parametrize(
    ("call", "parameters", "level"),
    [
        ("leaks()", None, "line"),
        ("leaks(site := 'function')", None, "function"),
        ("leaks(site := $site)", {"site": "stack"}, "stack"),
    ],
)
def test_only_sites_that_are_asked_for_are_judged(
    call: str, parameters: Any, level: str, trace: Trace, monkeypatch: pytest.MonkeyPatch
) -> None:
    levels: list[str] = []
    original = JudgedLives.rows

    def rows(lives: JudgedLives, asked: str) -> dict[str, Any]:
        levels.append(asked)
        return original(lives, asked)

    monkeypatch.setattr(JudgedLives, "rows", rows)
    for _ in range(2):
        trace.sql(f"FROM {call}", parameters).fetchall()
    assert levels == [level]
    with pytest.raises(MemlyzeError, match="site is line, function or stack"):
        trace.sql("FROM leaks(site := 'thread')")


def test_views_and_macros_of_the_user_are_seen_through(trace: Trace, decoded: list[str]) -> None:
    trace.sql("CREATE VIEW mine AS SELECT rss FROM memory")
    trace.sql("CREATE MACRO ours(least) AS TABLE SELECT * FROM mine WHERE rss >= least")
    assert decoded in ([], ["memory", "resident"])
    assert trace.sql("SELECT count(*) FROM ours(8000)").fetchall() == [(2,)]
    assert decoded == ["memory", "resident"]


def test_table_is_decoded_once(trace: Trace, decoded: list[str]) -> None:
    for _ in range(3):
        trace.sql("FROM gc").fetchall()
    assert decoded == ["gc"]


def test_parameters_are_filled_in(trace: Trace) -> None:
    assert trace.sql("SELECT size FROM allocations WHERE size > ?", [450]).fetchall() == [(500,)]
    assert trace.sql(
        "SELECT size FROM allocations WHERE size > $least", {"least": 450}
    ).fetchall() == [(500,)]


def test_results_convert(trace: Trace) -> None:
    pandas = pytest.importorskip("pandas")
    frame = trace.sql("SELECT size FROM allocations ORDER BY size").df()
    assert isinstance(frame, pandas.DataFrame)
    assert list(frame["size"]) == [50, 100, 200, 300, 400, 500]


def test_tables_are_numpy_columns_as_recorded(trace: Trace) -> None:
    assert {"allocations", "frames", "metadata"} <= set(trace.tables)
    allocations = trace.table("allocations")
    assert sorted(allocations["size"].tolist()) == [50, 100, 200, 300, 400, 500, 4096, 1 << 30]
    assert int(np.sum(allocations["freed_ns"] == -1)) == 5
    assert trace.tables["gc"]["collected"].tolist() == [4, 6]
    with pytest.raises(MemlyzeError, match=r"'things'.*allocations"):
        trace.table("things")


def test_metadata_and_state_are_those_of_the_file(trace: Trace) -> None:
    assert trace.metadata["process_id"] == 7
    assert trace.is_complete
    assert trace.damage == []


def test_closed_trace_says_so(path: str) -> None:
    with open_trace(path) as trace:
        trace.sql("FROM gc")
    trace.close()
    with pytest.raises(MemlyzeError, match="closed"):
        trace.sql("FROM gc")


def test_nothing_is_left_in_the_temporary_folder(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tempfile

    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    with open_trace(path) as trace:
        trace.sql("FROM gc").fetchall()
        assert os.listdir(folder)
    assert not os.listdir(folder)
    forgotten = open_trace(path)
    forgotten.sql("FROM gc").fetchall()
    del forgotten
    gc.collect()
    assert not os.listdir(folder)


def test_result_larger_than_the_memory_limit_is_spilled(trace: Trace) -> None:
    trace.sql("SET memory_limit = '40MB'")
    trace.sql("SET threads = 1")
    counted = trace.sql("""
        SELECT count(*) FROM (
            SELECT md5(i::VARCHAR) AS text FROM range(800000) AS r (i) ORDER BY text OFFSET 1
        )
    """).fetchall()
    assert counted == [(799999,)]


def test_open_takes_paths_and_lists_of_them(path: str) -> None:
    for given in (path, Path(path), [path], (Path(path),)):
        with memlyze.open(given) as trace:
            assert trace.paths == (path,)
    with pytest.raises(MemlyzeError, match="no trace file"):
        memlyze.open([])


def test_names_and_columns_are_those_that_duckdb_sees(trace: Trace) -> None:
    calls = {"live_at": "live_at(0)", "path_to_root": "path_to_root(6)"}
    for definition in definitions.views() + definitions.macros():
        call = calls.get(definition.name, definition.signature.split("(")[0])
        if definition.kind == "macro" and "(" not in call:
            call += "()"
        columns = [column.name for column in definition.columns]
        assert trace.sql(f"FROM {call}").columns == columns, definition.name


def test_every_parameter_of_a_macro_is_explained() -> None:
    for definition in definitions.macros():
        for parameter in definition.parameters:
            assert parameter.name in definition.signature
        inside = definition.signature.split("(")[1].strip(")")
        names = [part.split(":=")[0].strip() for part in inside.split(",") if part]
        assert names == [parameter.name for parameter in definition.parameters]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT\n    a\nFROM t;",
        "CREATE VIEW v AS\nSELECT\n    a\nFROM t;",
        "CREATE VIEW v AS\nSELECT\n    -- Of a.\n    a,\n    b\nFROM t;",
    ],
)
def test_column_without_a_comment_is_found(sql: str) -> None:
    try:
        definition = definitions.parse(sql)
    except ValueError:
        return
    assert [column.name for column in definition.columns] != ["a", "b"]


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("SELECT sizes FROM allocations", "allocations has: allocation_id, time_ns"),
        ("SELECT * FROM alocations", "views:  allocations, "),
        ("SELEC 1", "syntax error"),
    ],
)
def test_refused_query_names_what_exists(query: str, told: str, trace: Trace) -> None:
    import duckdb

    with pytest.raises(memlyze.MemlyzeError) as raised:
        trace.sql(query)
    assert told in str(raised.value)
    assert isinstance(raised.value.__cause__, duckdb.Error)


def test_query_that_is_no_text_is_refused(trace: Trace) -> None:
    with pytest.raises(memlyze.MemlyzeError, match=r"line 1, column 8, but '\\ud800'"):
        trace.sql("SELECT \ud800")


def test_traces_can_be_given_one_by_one_and_twice(path: str, tmp_path: Path) -> None:
    other = write_known_trace(tmp_path / "other.mlyze", process_id=8)
    (tmp_path / "link.mlyze").symlink_to(path)
    with memlyze.open(path, Path(other), str(tmp_path / "link.mlyze")) as both:
        assert both.paths == (path, other)
        assert both.sql("SELECT count(*) FROM allocations").fetchall() == [(12,)]


@pytest.mark.parametrize(
    "query",
    [f"FROM {view.name} ORDER BY ALL" for view in definitions.views()]
    + [f"FROM {macro}() ORDER BY ALL" for macro in ("hotspots", "lifetimes", "windows_by_name")],
)
def test_statement_of_memlyze_needs_only_what_it_names(path: str, query: str) -> None:
    with open_trace(path) as trace, open_trace(path) as whole:
        assert trace.ask(query).fetchall() == whole.sql(query).fetchall()


def test_statement_of_memlyze_does_without_the_python_package_of_duckdb(path: str) -> None:
    """It takes longer to import than most statements run."""
    code = f"""if True:
        import sys
        import memlyze
        from memlyze.errors import QueryError
        from memlyze.query.engine import engine
        with memlyze.open({path!r}) as trace:
            assert trace.ask("FROM gc").fetchall() == trace.ask("FROM gc").fetchall() != []
            try:
                trace.ask("FROM nothing")
            except QueryError as error:
                assert "views:" in str(error)
            print("duckdb" in sys.modules, engine().__name__ == "duckdb")
            relation = trace.sql("FROM gc")
            import duckdb
            assert isinstance(relation, duckdb.DuckDBPyRelation)
            assert isinstance(trace.connection, duckdb.DuckDBPyConnection)
            assert engine().Error is duckdb.Error
    """
    said = subprocess.run(
        [sys.executable, "-I", "-c", code], stdout=subprocess.PIPE, text=True, check=True
    ).stdout.split()
    assert said == ["False", "False"] if sys.version_info >= (3, 9) else ["True", "True"]


def test_column_that_is_called_like_a_macro_is_not_taken_for_it() -> None:
    retained = {"objects", "object_tree"}
    assert not definitions.tables_named("SELECT retained, leaks FROM windows") & retained
    assert definitions.tables_named("SELECT * FROM retained ()") >= retained


def test_views_can_be_made_after_the_tables_beneath_them_are_decoded(trace: Trace) -> None:
    asked = trace.ask("SELECT count(*) FROM allocations").fetchall()
    assert trace.sql("SELECT count(*) FROM stack_frames").fetchall()[0][0] > 0
    assert trace.sql("SELECT count(*) FROM allocations").fetchall() == asked
    assert trace.sql("SELECT sum(allocations) FROM hotspots()").fetchall()[0][0] > 0


def test_table_that_is_got_ready_is_decoded_once(trace: Trace, decoded: list[str]) -> None:
    trace.get_ready()
    trace.ask("SELECT sum(bytes) FROM allocations").fetchall()
    assert decoded.count("allocations") <= 2  # asked for ahead, and to be registered
    assert "allocations" in decoded


def test_trouble_with_a_table_is_said_when_it_is_asked_for(
    trace: Trace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def table(name: str) -> dict[str, Any]:
        raise MemlyzeError(f"no room for {name}")

    monkeypatch.setattr(trace.files[0], "table", table)
    trace.get_ready()
    with pytest.raises(MemlyzeError, match="no room for allocations"):
        trace.ask("SELECT sum(bytes) FROM allocations")


class _InterruptedConnection:
    """Runs the first of several statements; then somebody types ^C."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def execute(self, statements: str) -> None:
        self._connection.execute(statements.partition(";\n")[0])
        raise KeyboardInterrupt


def test_views_that_an_interrupt_left_half_made_are_made_by_the_next_query(trace: Trace) -> None:
    whole = trace._connect()
    trace._connection = _InterruptedConnection(whole)  # type: ignore[assignment]
    with pytest.raises(KeyboardInterrupt):
        trace.sql("SELECT count(*) FROM gc")
    trace._connection = whole
    assert trace.sql("SELECT count(*) FROM gc").fetchall() == [(2,)]


@pytest.mark.parametrize("given", [(None,), (7,), ([None],), ("a.mlyze", 3)])
def test_what_is_no_path_is_named(given: tuple[Any, ...]) -> None:
    with pytest.raises(OptionError, match=r"the paths of memlyze\.open\(\) are .*not (None|7|3);"):
        memlyze.open(*given)
