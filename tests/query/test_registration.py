"""DuckDB is given only arrays that it reads right."""

from __future__ import annotations

from typing import Any

import duckdb
import numpy as np
import pytest

from memlyze.query.raw_tables import RAW_TABLES, create_statements
from memlyze.query.registration import plain_array, register_table


@pytest.mark.parametrize(
    "array",
    [
        np.arange(20, dtype=np.int64)[::2],
        np.arange(10, dtype=">i8"),
        np.arange(20, dtype=np.int64).reshape(10, 2)[:, 0],
        np.array([(i, 2 * i) for i in range(10)], dtype=[("a", "i4"), ("b", "i8")])["b"],
    ],
    ids=["strided", "byte-swapped", "a column of a matrix", "a field of a structured array"],
)
def test_arrays_that_lie_otherwise_in_memory_sum_up_right(array: Any) -> None:
    plain = plain_array(array, "t.a")
    with duckdb.connect() as connection:
        connection.register("t", {"a": plain})
        found = connection.execute("SELECT sum(a) FROM t").fetchall()
    assert found == [(int(array.sum()),)]


@pytest.mark.parametrize(
    "array",
    [
        np.ma.masked_array([1, 2], [True, False]),
        np.zeros((2, 2)),
        np.zeros(2, dtype=[("a", "i4")]),
    ],
    ids=["masked", "matrix", "structured"],
)
def test_arrays_that_duckdb_would_misread_are_refused(array: Any) -> None:
    with pytest.raises(ValueError, match=r"column t\.a"):
        plain_array(array, "t.a")


def test_lone_surrogates_are_escaped() -> None:
    plain = plain_array(np.array(["a\ud800b", None, "é"], dtype=object), "t.a")
    assert plain.tolist() == ["a\\ud800b", None, "é"]


def gc_columns(rows: int) -> dict[str, Any]:
    return {name: np.arange(rows, dtype=np.int64) for name in RAW_TABLES["gc"]}


def connect() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(";".join(create_statements().values()))
    return connection


def test_column_that_is_left_out_is_constant() -> None:
    columns = gc_columns(3)
    del columns["process_id"]
    with connect() as connection:
        register_table(connection, "gc", columns, {"process_id": 42})
        assert connection.execute("SELECT DISTINCT process_id FROM _raw_gc").fetchall() == [(42,)]


@pytest.mark.parametrize("problem", ["missing", "shorter", "none at all"])
def test_incomplete_columns_are_refused(problem: str) -> None:
    columns = gc_columns(3)
    if problem == "missing":
        del columns["time_ns"]
    elif problem == "shorter":
        columns["time_ns"] = columns["time_ns"][:2]
    else:
        columns = {}
    with connect() as connection, pytest.raises(ValueError, match=r"gc|time_ns"):
        register_table(connection, "gc", columns, {})
