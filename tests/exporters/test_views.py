"""The views as files say what SQL says of them, to whoever reads such files."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from known_trace import MS, known_trace, write_known_trace
from trace_encoder import TraceEncoder

import memlyze
from memlyze.analyses.selection import Selection
from memlyze.errors import MemlyzeError
from memlyze.exporters.destinations import open_destination
from memlyze.exporters.partitions import Labels
from memlyze.exporters.request import EVERYTHING, Request
from memlyze.exporters.views import FORMATS, VIEWS, export_partitions, export_views, suffix_of

# It reads what was written, as others do; there may be none for the newest CPython.
pyarrow = pytest.importorskip("pyarrow")
for module in ("dataset", "parquet"):
    pytest.importorskip(f"pyarrow.{module}")


@pytest.fixture
def trace(tmp_path: Path) -> str:
    return write_known_trace(tmp_path / "t.mlyze")


def export(
    paths: str | list[str], form: str, folder: Path, request: Request = EVERYTHING, **options: Any
) -> dict[str, int]:
    """Rows by name of file."""
    with memlyze.open(paths) as trace:
        destination = open_destination(str(folder))
        written = list(export_views(trace, form, destination, request, **options))
    for file in written:
        assert (folder / file.name).stat().st_size == file.bytes
    return {file.name: file.rows for file in written}


def read(path: Path, form: str) -> list[dict[str, Any]]:
    """The rows of a file, by a reader of that format which is not DuckDB's."""
    if form == "json":
        rows: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
        return rows
    if form == "jsonl":
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    if form == "csv":
        with open(path, encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    if form == "arrow":
        with pyarrow.ipc.open_file(str(path)) as reader:
            return list(reader.read_all().to_pylist())
    return list(pyarrow.parquet.read_table(str(path)).to_pylist())


@pytest.mark.parametrize("form", FORMATS)
def test_every_view_is_written_as_sql_shows_it(form: str, trace: str, tmp_path: Path) -> None:
    rows = export(trace, form, tmp_path / "out")
    assert list(rows) == [view + suffix_of(form) for view in VIEWS]
    with memlyze.open(trace) as opened:
        for view in VIEWS:
            relation = opened.sql(f"FROM {view}")
            expected = [dict(zip(relation.columns, row)) for row in relation.fetchall()]
            found = read(tmp_path / "out" / (view + suffix_of(form)), form)
            if form == "csv":  # has nothing but text
                found = [{k: v or None for k, v in row.items()} for row in found]
                assert [list(row) for row in found] == [list(row) for row in expected]
                for column in ("function", "name", "category", "key"):
                    values = [row.get(column) or None for row in expected]
                    # In whatever order: the two were asked apart, and DuckDB has several threads.
                    assert sorted(map(str, (row.get(column) for row in found))) == sorted(
                        map(str, values)
                    )
            else:
                assert sorted(found, key=str) == sorted(expected, key=str), view
            assert rows[view + suffix_of(form)] == len(expected)


def test_no_column_is_unsigned_or_wider_than_64_bits(trace: str) -> None:
    """Spark would make decimals of them, and others refuse the file."""
    portable = {"BIGINT", "INTEGER", "SMALLINT", "TINYINT", "DOUBLE", "FLOAT", "VARCHAR", "BOOLEAN"}
    with memlyze.open(trace) as opened:
        for view in VIEWS:
            relation = opened.sql(f"FROM {view}")
            types = {str(kind) for kind in relation.types}
            assert types <= portable, (view, dict(zip(relation.columns, relation.types)))


def test_selection_is_about_the_allocations(trace: str, tmp_path: Path) -> None:
    def sizes(request: Request) -> list[int]:
        export(trace, "json", tmp_path / "out", request, views=["allocations"])
        return sorted(row["size"] for row in read(tmp_path / "out" / "allocations.json", "json"))

    assert sizes(Request()) == [50, 100, 200, 300, 400, 500]
    assert sizes(Request("live")) == [50, 100, 400, 500]
    assert sizes(Request("live", Selection(to_ns=5 * MS))) == [100, 200, 400]
    assert sizes(Request("temporary")) == [300]
    assert sizes(Request(selection=Selection(thread="MainThread", from_ns=4 * MS))) == [50, 400]
    assert sizes(Request(selection=Selection(function="load"))) == [200, 300, 400]
    assert sizes(Request(selection=Selection(window="outer"))) == [200, 300, 400]


def test_empty_trace_gives_files_without_rows(tmp_path: Path) -> None:
    TraceEncoder({"process_id": 1}).write(tmp_path / "t.mlyze", complete=False)
    rows = export(str(tmp_path / "t.mlyze"), "parquet", tmp_path / "out")
    assert rows["allocations.parquet"] == 0
    assert read(tmp_path / "out" / "allocations.parquet", "parquet") == []


def test_what_fails_leaves_no_file_behind(trace: str, tmp_path: Path) -> None:
    (tmp_path / "out" / "gc.csv").mkdir(parents=True)
    with pytest.raises(MemlyzeError, match=r"gc\.csv cannot be written"):
        export(trace, "csv", tmp_path / "out", views=["gc"])
    assert list((tmp_path / "out").iterdir()) == [tmp_path / "out" / "gc.csv"]


# --- partitions -------------------------------------------------------------------------------


def export_fleet(folder: Path, tmp_path: Path, services: list[str], form: str = "parquet") -> None:
    """A trace of each service, two days apart, all into one folder."""
    for number, service in enumerate(services):
        path = tmp_path / f"fleet{number}.mlyze"
        known_trace(process_id=7, start_unix_ns=10**18 + number * 2 * 86_400 * 10**9).write(path)
        with memlyze.open(path) as trace:
            list(
                export_partitions(
                    trace,
                    form,
                    open_destination(str(folder)),
                    Request(),
                    keys=("service", "date", "host"),
                    labels=Labels(service, f"web-{number}"),
                )
            )


def test_partitions_are_read_by_duckdb_and_arrow(tmp_path: Path) -> None:
    export_fleet(tmp_path / "fleet", tmp_path, ["shop", "search"])
    folder = tmp_path / "fleet" / "allocations"
    assert sorted(str(p.parent.relative_to(folder)) for p in folder.rglob("*.parquet")) == [
        "service=search/date=2001-09-11/host=web-1",
        "service=shop/date=2001-09-09/host=web-0",
    ]
    rows = duckdb.sql(
        f"SELECT service, host, sum(bytes) FROM read_parquet('{folder}/**/*.parquet', "
        "hive_partitioning = true) GROUP BY ALL ORDER BY service"
    ).fetchall()
    assert rows == [("search", "web-1", 1550), ("shop", "web-0", 1550)]
    dataset = pyarrow.dataset.dataset(str(folder), partitioning="hive")
    table = dataset.to_table(filter=pyarrow.dataset.field("service") == "shop")
    assert sum(table.column("bytes").to_pylist()) == 1550


def test_rows_of_different_recordings_are_joined_by_the_recording(tmp_path: Path) -> None:
    export_fleet(tmp_path / "fleet", tmp_path, ["shop", "search"])

    def view(name: str) -> str:
        files = tmp_path / "fleet" / name / "**" / "*.parquet"
        return f"read_parquet('{files}', hive_partitioning = true)"

    rows = duckdb.sql(
        f"SELECT a.service, f.function, sum(a.bytes) FROM {view('allocations')} AS a "
        f"JOIN {view('stack_frames')} AS f USING (recording_id, stack_id) WHERE f.depth = 0 "
        "GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    assert rows == [
        (service, function, figure)
        for service in ("search", "shop")
        for function, figure in (("decode", 500), ("load", 400), ("main", 150))
    ]


def test_trace_that_is_exported_again_replaces_its_files(tmp_path: Path) -> None:
    for _ in range(2):
        export_fleet(tmp_path / "fleet", tmp_path, ["shop"])
    assert len(list((tmp_path / "fleet" / "gc").rglob("*.parquet"))) == 1


@pytest.mark.parametrize("name", ["a/b=c", "50 % &", "Größe", "..", "x" * 100])
def test_name_of_a_service_comes_back_as_it_was(name: str, tmp_path: Path) -> None:
    export_fleet(tmp_path / "fleet", tmp_path, [name])
    files = tmp_path / "fleet" / "gc" / "**" / "*.parquet"
    (found,) = duckdb.sql(
        f"SELECT DISTINCT service FROM read_parquet('{files}', hive_partitioning = true)"
    ).fetchall()
    assert found == (name,)
    assert {path.name for path in tmp_path.iterdir()} == {"fleet", "fleet0.mlyze"}


def test_each_process_is_in_its_own_partition(tmp_path: Path) -> None:
    paths = [str(tmp_path / "a.mlyze"), str(tmp_path / "b.mlyze")]
    known_trace().write(paths[0])
    known_trace(process_id=8, start_unix_ns=10**18 + 10**15).write(paths[1])
    with memlyze.open(paths) as trace:
        destination = open_destination(str(tmp_path / "out"))
        written = list(
            export_partitions(
                trace, "parquet", destination, Request(), keys=("date",), labels=Labels()
            )
        )
        whole = {view: len(trace.sql(f"FROM {view}").fetchall()) for view in VIEWS}
    rows: dict[str, list[int]] = {}
    for file in written:
        rows.setdefault(file.name.split("/")[0], []).append(file.rows)
    assert {view: sum(counts) for view, counts in rows.items()} == whole
    assert rows["gc"] == [2, 2]
    assert len({file.name.split("/")[1] for file in written}) == 2


@pytest.mark.parametrize("key", ["service", "host"])
def test_partition_of_what_is_not_known_is_refused(key: str, trace: str, tmp_path: Path) -> None:
    with memlyze.open(trace) as opened, pytest.raises(MemlyzeError, match=f"--{key} NAME"):
        destination = open_destination(str(tmp_path / "out"))
        list(
            export_partitions(
                opened, "parquet", destination, Request(), keys=(key,), labels=Labels()
            )
        )
    assert not (tmp_path / "out").exists()


# --- object stores ----------------------------------------------------------------------------


def test_url_is_written_through_pyarrow(trace: str, tmp_path: Path) -> None:
    """`file://` stands for all stores: what differs between them is pyarrow's."""
    url = f"file://{tmp_path / 'store'}"
    with memlyze.open(trace) as opened:
        destination = open_destination(url)
        written = list(export_views(opened, "parquet", destination, Request(), views=["gc"]))
        assert destination.exists("gc.parquet")
        assert not destination.exists("threads.parquet")
    assert [(file.name, file.rows) for file in written] == [("gc.parquet", 2)]
    assert len(read(tmp_path / "store" / "gc.parquet", "parquet")) == 2


def test_url_that_nobody_understands_is_named() -> None:
    with pytest.raises(MemlyzeError, match="nosuch://bucket/path cannot be written"):
        open_destination("nosuch://bucket/path")


def test_without_pyarrow_a_url_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow.fs", None)
    with pytest.raises(MemlyzeError, match="pip install pyarrow"):
        open_destination("s3://bucket/path")
