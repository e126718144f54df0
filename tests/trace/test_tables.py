"""What the tables of a trace hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from synthetic_trace import synthetic_trace
from trace_compare import assert_readers_agree, rows_of
from trace_encoder import Allocation, Free, Run, TraceEncoder

from memlyze.trace.reader import TABLE_NAMES, TraceFile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "trace.mlyze"


def table(path: Path, name: str) -> list[dict[str, Any]]:
    with TraceFile(path) as trace:
        rows = rows_of(trace.table(name))
        assert trace.damage == []
    assert_readers_agree(path)
    return rows


def test_columns_are_plain_arrays_of_one_length(path: Path) -> None:
    synthetic_trace(2000, stacks=30, windows=3).write(path)
    with TraceFile(path) as trace:
        for name in TABLE_NAMES:
            columns = trace.table(name)
            assert len({len(column) for column in columns.values()}) == 1
            for column in columns.values():
                assert type(column) is np.ndarray
                assert column.ndim == 1
                assert column.flags.c_contiguous
                assert column.dtype.isnative
                assert column.dtype.kind in "iufO"
                assert column.dtype != np.uint64


def test_empty_trace_has_empty_tables(path: Path) -> None:
    TraceEncoder({}, samplings=[]).write(path)
    for name in TABLE_NAMES:
        assert table(path, name) == [] or name == "processes"


def test_freed_by_another_thread_in_a_later_block(path: Path) -> None:
    trace = TraceEncoder({})
    trace.add_runs([Run(1, 10, 65536, [Allocation(1), Allocation(2)])])
    trace.add_runs([Run(2, 30, 131072, [Allocation(3), Free(65537)])])
    trace.write(path)
    assert [row["freed_ns"] for row in table(path, "allocations")] == [-1, 30, -1]


def test_free_in_an_earlier_block_than_its_allocation(path: Path) -> None:
    trace = TraceEncoder({})
    trace.add_runs([Run(2, 20, 131072, [Free(65536)])])
    trace.add_runs([Run(1, 15, 65536, [Allocation(1)])])
    trace.write(path)
    assert [row["freed_ns"] for row in table(path, "allocations")] == [20]


def test_nothing_is_freed_before_it_was_allocated(path: Path) -> None:
    trace = TraceEncoder({})
    trace.add_runs([Run(1, 50, 65536, [Allocation(1)]), Run(2, 40, 131072, [Free(65536)])])
    trace.write(path)
    assert [row["freed_ns"] for row in table(path, "allocations")] == [50]


def test_times_before_the_start_are_the_start(path: Path) -> None:
    trace = TraceEncoder({})
    trace.add_runs([Run(1, -3, 65536, [Allocation(1), Allocation(2), Free(65536)])])
    trace.write(path)
    rows = table(path, "allocations")
    assert [(row["time_ns"], row["freed_ns"]) for row in rows] == [(0, 0), (0, -1)]


def test_ids_of_a_range_that_threads_cut_into_thousands_of_pieces(path: Path) -> None:
    """More runs of one range of ids than are kept as a list, in a mixed order."""
    trace = TraceEncoder({})
    count = 6000
    order = np.random.default_rng(3).permutation(count).tolist()
    for part in range(0, count, 1500):
        runs = [Run(1, k, 65536 + k, [Allocation(k)]) for k in order[part : part + 1500]]
        trace.add_runs(runs)
    trace.add_runs([Run(1, count + k, 1 << 20, [Free(65536 + k)]) for k in range(0, count, 3)])
    trace.write(path)
    rows = table(path, "allocations")
    assert [row["size"] for row in rows] == order
    assert all(row["freed_ns"] == (-1 if row["size"] % 3 else count + row["size"]) for row in rows)


def test_a_run_may_cross_into_the_next_range_of_ids(path: Path) -> None:
    trace = TraceEncoder({})
    first = 131072 - 2
    trace.add_runs([Run(1, 1, first, [Allocation(k) for k in range(4)])])
    trace.add_runs([Run(1, 2, first + 4, [Free(first + 1), Free(first + 3)])])
    trace.write(path)
    assert [row["freed_ns"] for row in table(path, "allocations")] == [-1, 2, -1, 2]


def test_sizes_of_two_gibibytes_and_more_are_exact(path: Path) -> None:
    trace = TraceEncoder({})
    sizes = [1, (1 << 31) - 1, 1 << 31, 1 << 40]
    trace.add_runs([Run(1, 0, 65536, [Allocation(size) for size in sizes])])
    trace.write(path)
    assert [row["size"] for row in table(path, "allocations")] == sizes


def test_weight_is_left_out_where_everything_was_recorded(path: Path) -> None:
    synthetic_trace(100, stacks=5, windows=1).write(path)
    with TraceFile(path) as trace:
        assert "weight" not in trace.table("allocations")


def test_weights_estimate_without_bias(path: Path) -> None:
    """Of allocations that are kept with probability 1/weight, the weights sum to all."""
    interval, surcharge, size, count = 1000.0, 10.0, 90, 400_000
    kept_with = 1 - np.exp(-(size + surcharge) / interval)
    kept = int(np.random.default_rng(5).binomial(count, kept_with))
    sampling = {"sampling_id": 1, "interval_bytes": interval, "surcharge_bytes": surcharge}
    trace = TraceEncoder({}, samplings=[sampling])
    trace.add_runs([Run(1, 0, 65536, [Allocation(size)] * kept)])
    trace.write(path)
    with TraceFile(path) as opened:
        total = float(opened.table("allocations")["weight"].sum())
    deviation = np.sqrt(count * (1 - kept_with) / kept_with)
    assert abs(total - count) < 4 * deviation


def test_equal_functions_and_stacks_under_new_ids_are_one(path: Path) -> None:
    trace = TraceEncoder({})
    for shift in (0, 100):  # the recorder has emptied its tables in between
        code = {"code_id": 2 + shift, "function": "f", "file": "x.py", "first_line": 7}
        trace.add("codes", [code])
        stacks = [
            {"stack_id": 1 + shift, "code_id": 2 + shift},
            {"stack_id": 2 + shift, "parent_id": 1 + shift, "code_id": 2 + shift},
        ]
        trace.add("stacks", stacks)
        first = 65536 + shift
        trace.add_runs([Run(1, 0, first, [Allocation(1, 1 + shift), Allocation(2, 2 + shift)])])
    trace.write(path)
    assert len(table(path, "frames")) == 1
    assert [(row["parent_id"], row["depth"]) for row in table(path, "stacks")] == [(0, 1), (1, 2)]
    assert [row["stack_id"] for row in table(path, "allocations")] == [1, 2, 1, 2]


def test_truncated_stacks_need_no_code_row(path: Path) -> None:
    trace = TraceEncoder({})
    trace.add("stacks", [{"stack_id": 1, "code_id": 1}])
    trace.write(path)
    assert [row["function"] for row in table(path, "frames")] == ["<truncated>"]


def test_later_rows_of_a_thread_replace_earlier_ones_but_not_a_known_name(path: Path) -> None:
    trace = TraceEncoder({})
    trace.add("threads", [{"thread_id": 2, "start_ns": 1}, {"thread_id": 1, "name": "main"}])
    trace.add("threads", [{"thread_id": 2, "name": "worker", "start_ns": 1, "end_ns": 9}])
    trace.add("threads", [{"thread_id": 2, "os_thread_id": 5, "start_ns": 1, "end_ns": 9}])
    trace.write(path)
    rows = table(path, "threads")
    shown = [(row["thread_id"], row["name"], row["end_ns"]) for row in rows]
    assert shown == [(2, "worker", 9), (1, "main", -1)]


def test_later_rows_of_a_window_replace_earlier_ones(path: Path) -> None:
    trace = TraceEncoder({})
    trace.add("windows", [{"window_id": k, "name": f"w{k}", "start_ns": k} for k in (3, 1)])
    trace.add("windows", [{"window_id": 3, "name": "w3", "start_ns": 3, "end_ns": 8}])
    trace.write(path)
    rows = table(path, "windows")
    assert [(row["window_id"], row["end_ns"]) for row in rows] == [(3, 8), (1, -1)]


def test_the_last_of_two_snapshots_of_one_moment_counts(path: Path) -> None:
    """The end of a recording used to be written at the moment of the turn before it."""
    trace = TraceEncoder({})
    for time_ns, code, file in ((3, 30, "/a"), (9, 50, "/gone"), (9, 70, "/a")):
        rows: list[dict[str, Any]] = [
            {"category": 0, "resident_bytes": 1},
            {"category": 6, "resident_bytes": 2},
            {"category": 6, "path": file, "resident_bytes": code},
        ]
        trace.add("resident", [dict(row, time_ns=time_ns) for row in rows])
    trace.add("memory", [{"time_ns": t, "rss": rss} for t, rss in ((3, 4), (9, 5), (9, 6))])
    trace.write(path)
    resident = [(row["time_ns"], row["resident_bytes"]) for row in table(path, "resident")]
    assert resident == [(3, 1), (3, 2), (3, 30), (9, 1), (9, 2), (9, 70)]
    assert [(row["time_ns"], row["rss"]) for row in table(path, "memory")] == [(3, 4), (9, 6)]


def test_metadata_blocks_overwrite_the_header_key_by_key(path: Path) -> None:
    trace = TraceEncoder({"process_id": 1, "hostname": "a", "odd": "\ud800"})
    trace.add("metadata", [{"key": "process_id", "value": "2"}, {"key": "new", "value": "[1]"}])
    trace.add("metadata", [{"key": "bad", "value": "{"}, {"key": "deep", "value": "[" * 100_000}])
    trace.add("metadata", [{"key": "long", "value": "9" * 5000}])
    trace.write(path)
    with TraceFile(path) as opened:
        metadata = opened.metadata
        rows = {row["key"]: row["value"] for row in rows_of(opened.table("metadata"))}
    assert (metadata["process_id"], metadata["hostname"], metadata["new"]) == (2, "a", [1])
    assert rows["new"] == "[1]"
    assert rows["hostname"] == "a"
    assert rows["bad"] == "{"
    assert rows["odd"] == "\\ud800"


def test_process_has_its_command_line(path: Path) -> None:
    words = ["python", "a b.py", "--x", 5]
    trace = TraceEncoder({"command_line": words, "process_id": 7, "end_ns": 1 << 70})
    trace.write(path)
    (row,) = table(path, "processes")
    assert row["command_line"] == "python 'a b.py' --x"
    assert (row["process_id"], row["end_ns"], row["path"]) == (7, -1, str(path))


def test_counts_need_no_decoding(path: Path) -> None:
    trace = synthetic_trace(9000, threads=1, stacks=10, windows=2, events_per_block=3000)
    trace.write(path)
    with TraceFile(path) as opened:
        counts = opened.block_counts["events"]
        assert counts.rows == opened.event_count
        assert counts.blocks >= 3
        assert 0 < counts.stored_bytes < opened.file_bytes
        assert counts.raw_bytes > counts.rows
        assert opened.last_time_ns >= counts.last_time_ns > counts.first_time_ns == 0
        assert not opened._tables


def test_only_the_blocks_of_the_table_are_read(path: Path) -> None:
    """Events that are all damaged do not matter to one who asks for threads."""
    trace = TraceEncoder({})
    trace.add_runs([Run(1, 0, 65536, [Allocation(1)])])
    trace.add("threads", [{"thread_id": 1, "name": "main"}])
    data = bytearray(trace.to_bytes())
    data[trace.block_offsets[1] + 50] ^= 1
    path.write_bytes(data)
    with TraceFile(path) as opened:
        assert len(opened.table("threads")["name"]) == 1
        assert opened.damage == []
        opened.table("allocations")
        assert len(opened.damage) == 1


def test_arrays_outlive_the_trace(path: Path) -> None:
    synthetic_trace(500, stacks=5, windows=1).write(path)
    for limit in (None, 0):
        with TraceFile(path, memory_limit_bytes=limit) as opened:
            sizes = opened.table("allocations")["size"]
        assert int(sizes.sum()) > 0
