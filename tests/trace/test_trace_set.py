"""Several traces at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from synthetic_trace import synthetic_trace
from trace_compare import rows_of
from trace_encoder import Allocation, Free, Run, TraceEncoder

from memlyze.trace import heap_graph
from memlyze.trace.reader import TABLE_NAMES, TraceFile, TraceSet
from memlyze.trace.trace_set import REPEATED_PROCESS_STEP


def write_trace(path: Path, process_id: int, start_ns: int, **options: Any) -> Path:
    trace = TraceEncoder({"process_id": process_id, "start_time_unix_ns": start_ns}, **options)
    trace.add("codes", [{"code_id": 2, "function": f"in {path.stem}", "file": "x.py"}])
    parents = [{"stack_id": 1, "parent_id": 0}, {"stack_id": 2, "parent_id": 1}]
    trace.add("stacks", [dict(row, code_id=2) for row in parents])
    trace.add("threads", [{"thread_id": 1, "name": path.stem, "start_ns": 4}])
    trace.add("windows", [{"window_id": 1, "name": path.stem}, {"window_id": 2, "parent_id": 1}])
    events = [Allocation(10, 1), Allocation(20, 2), Free(65536)]
    trace.add_runs([Run(1, 5, 65536, events, window_id=2)])
    trace.write(path)
    return path


def test_tables_can_be_joined_by_ids_alone(tmp_path: Path) -> None:
    paths = [write_trace(tmp_path / f"{k}.mlyze", 100 + k, 1000) for k in range(3)]
    with TraceSet(paths) as traces:
        tables = {name: rows_of(traces.table(name)) for name in TABLE_NAMES}
    frames = {row["frame_id"]: row["function"] for row in tables["frames"]}
    stacks = {row["stack_id"]: row for row in tables["stacks"]}
    threads = {row["thread_id"]: row["name"] for row in tables["threads"]}
    windows = {row["window_id"]: row for row in tables["windows"]}
    assert len(frames) == len(threads) == 3
    assert len(stacks) == len(windows) == 6
    assert len({row["allocation_id"] for row in tables["allocations"]}) == 6
    for row in tables["allocations"]:
        number = row["process_id"] - 100
        assert frames[stacks[row["stack_id"]]["frame_id"]] == f"in {number}"
        assert threads[row["thread_id"]] == str(number)
        assert windows[windows[row["window_id"]]["parent_id"]]["name"] == str(number)
    assert [row["parent_id"] == 0 for row in tables["stacks"]] == [True, False] * 3


def test_every_table_tells_the_process(tmp_path: Path) -> None:
    paths = []
    for number in range(2):
        paths.append(tmp_path / f"{number}.mlyze")
        synthetic_trace(300, process_id=50 + number, stacks=9, windows=2).write(paths[-1])
    with TraceSet(paths) as traces:
        for name in TABLE_NAMES:
            columns = traces.table(name)
            assert len({len(column) for column in columns.values()}) == 1
            # There is no checkpoint here, nor a source file that anybody has looked at.
            is_empty = name in heap_graph.MAKERS or name == "sources"
            assert set(columns["process_id"].tolist()) == (set() if is_empty else {50, 51})
            assert all(column.flags.c_contiguous for column in columns.values())


def test_a_further_file_costs_as_much_as_those_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [write_trace(tmp_path / f"{k}.mlyze", 100 + k, 1000 + k) for k in range(24)]
    asked = 0

    def ask(file: TraceFile, name: str) -> Any:
        nonlocal asked
        asked += name in ("metadata", "is_being_written")
        return object.__getattribute__(file, name)

    monkeypatch.setattr(TraceFile, "__getattribute__", ask)

    def asked_for(count: int) -> int:
        nonlocal asked
        asked = 0
        with TraceSet(paths[:count]) as traces:
            for name in TABLE_NAMES:
                traces.table(name)
        return asked

    assert asked_for(24) <= 3 * asked_for(8)


def test_a_set_of_one_file_shows_what_the_file_shows(tmp_path: Path) -> None:
    path = tmp_path / "one.mlyze"
    synthetic_trace(300, stacks=9, windows=2).write(path)
    with TraceSet([path]) as traces, TraceFile(path) as trace:
        for name in TABLE_NAMES:
            joined = traces.table(name)
            for column, values in trace.table(name).items():
                assert joined[column].tolist() == values.tolist()


def test_a_process_id_that_comes_again_is_told_apart(tmp_path: Path) -> None:
    paths = [write_trace(tmp_path / f"{k}.mlyze", 7, 1000) for k in range(3)]
    with TraceSet(paths) as traces:
        processes = traces.table("processes")["process_id"].tolist()
        assert processes == [7, 7 + REPEATED_PROCESS_STEP, 7 + 2 * REPEATED_PROCESS_STEP]
        assert set(traces.table("allocations")["process_id"].tolist()) == set(processes)


def test_times_are_on_one_line(tmp_path: Path) -> None:
    paths = [write_trace(tmp_path / "b.mlyze", 1, 5000), write_trace(tmp_path / "a.mlyze", 2, 4000)]
    with TraceSet(paths) as traces:
        allocations = traces.table("allocations")
        assert allocations["time_ns"].tolist() == [1005, 1005, 5, 5]
        assert allocations["freed_ns"].tolist() == [1005, -1, 5, -1]
        assert traces.table("threads")["start_ns"].tolist() == [1004, 4]
        assert traces.table("processes")["start_ns"].tolist() == [1000, 0]


def test_weights_of_an_exact_file_beside_a_sampled_one_are_one(tmp_path: Path) -> None:
    sampling = {"sampling_id": 1, "interval_bytes": 20.0}
    exact = write_trace(tmp_path / "exact.mlyze", 1, 0)
    sampled = write_trace(tmp_path / "sampled.mlyze", 2, 0, samplings=[sampling])
    with TraceSet([exact, sampled]) as traces:
        weights = traces.table("allocations")["weight"].tolist()
    assert weights == pytest.approx([1, 1, 1 / (1 - np.exp(-0.5)), 1 / (1 - np.exp(-1))])
    with TraceSet([exact, exact]) as traces:
        assert "weight" not in traces.table("allocations")


def test_damage_names_the_file(tmp_path: Path) -> None:
    good = write_trace(tmp_path / "good.mlyze", 1, 0)
    cut = write_trace(tmp_path / "cut.mlyze", 2, 0)
    cut.write_bytes(cut.read_bytes()[:-30])
    with TraceSet([good, cut]) as traces:
        assert not traces.is_complete
        (sentence,) = traces.damage
        assert str(cut) in sentence
