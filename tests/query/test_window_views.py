"""The figures of windows: what they held, when, and the collector's time in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from trace_encoder import Allocation, Free, Run, TraceEncoder

import memlyze

SECOND = 1_000_000_000
ID = 1 << 16


def open_trace(tmp_path: Path, fill: Any, *, complete: bool = True, **metadata: Any) -> Any:
    trace = TraceEncoder({"process_id": 7, "start_time_unix_ns": 1, "sample_rate": 1.0, **metadata})
    fill(trace)
    trace.write(tmp_path / "t.mlyze", complete=complete)
    return memlyze.open(str(tmp_path / "t.mlyze"))


def test_window_has_what_the_request_was(tmp_path: Path) -> None:
    def fill(trace: TraceEncoder) -> None:
        row = {"window_id": 1, "kind": "http", "name": "/a", "start_ns": 10, "end_ns": 50}
        trace.add(
            "windows",
            [
                {**row, "method": "PUT", "status": 204, "first_byte_after_ns": 30},
                {**row, "window_id": 2},
            ],
        )

    with open_trace(tmp_path, fill) as trace:
        rows = trace.sql("SELECT method, status, first_byte_ns FROM windows ORDER BY 1").fetchall()
    assert rows == [("PUT", 204, 40), (None, None, None)]


def test_peak_is_the_most_that_was_held_at_one_time(tmp_path: Path) -> None:
    def fill(trace: TraceEncoder) -> None:
        windows = [
            {"window_id": 1, "name": "outer", "start_ns": 0, "end_ns": 90},
            {"window_id": 2, "parent_id": 1, "name": "inner", "start_ns": 20, "end_ns": 60},
            {"window_id": 3, "name": "at once", "start_ns": 0, "end_ns": 90},
        ]
        trace.add("windows", windows)
        trace.add_runs(
            [
                Run(1, 10, ID, [Allocation(100)], window_id=1),
                Run(1, 20, ID + 1, [Allocation(70)], window_id=2),
                Run(1, 30, ID + 2, [Free(ID), Free(ID + 1)], window_id=2),
                Run(1, 40, ID + 2, [Allocation(90)], window_id=2),
                Run(1, 50, ID + 3, [Allocation(30), Free(ID + 3)], window_id=3),
                Run(1, 50, ID + 4, [Allocation(50), Free(ID + 4)], window_id=3),
            ]
        )

    with open_trace(tmp_path, fill) as trace:
        rows = trace.sql("SELECT name, peak_bytes FROM windows ORDER BY window_id").fetchall()
    assert rows == [("outer", 170), ("inner", 90), ("at once", 50)]


def test_what_is_held_later_is_known_as_long_as_the_recording_lasts(tmp_path: Path) -> None:
    def fill(trace: TraceEncoder) -> None:
        trace.add("windows", [{"window_id": 1, "name": "w", "end_ns": SECOND}])
        sizes = (1, 20, 300, 4000, 50_000)
        trace.add_runs(
            [
                Run(1, 0, ID, [Allocation(size) for size in sizes], window_id=1),
                Run(1, SECOND // 2, ID + 5, [Free(ID)], window_id=1),
                Run(1, SECOND + 1, ID + 5, [Free(ID + 1)]),
                # By a task that outlives the window.
                Run(1, SECOND + 2, ID + 5, [Allocation(600_000)], window_id=1),
                Run(1, 9 * SECOND, ID + 6, [Free(ID + 2)]),
                Run(1, 12 * SECOND, ID + 6, [Free(ID + 3)]),
            ]
        )

    columns = ", ".join(f"retained_{n}bytes" for n in ("", "1s_", "10s_", "60s_"))
    with open_trace(tmp_path, fill, end_ns=20 * SECOND) as trace:
        rows = trace.sql(f"SELECT {columns}, live_bytes, allocated_bytes FROM windows").fetchall()
    assert rows == [(54_320, 654_300, 654_000, None, 650_000, 654_321)]
    with open_trace(tmp_path, fill, end_ns=61 * SECOND) as trace:
        assert trace.sql("SELECT retained_60s_bytes FROM windows").fetchall() == [(650_000,)]


def test_collector_time_counts_for_the_windows_around(tmp_path: Path) -> None:
    def fill(trace: TraceEncoder) -> None:
        windows = [{"window_id": 1, "name": "o"}, {"window_id": 2, "parent_id": 1, "name": "i"}]
        trace.add("windows", windows)
        trace.add(
            "gc",
            [
                {"time_ns": 1, "duration_ns": 5, "window_id": 1},
                {"time_ns": 2, "duration_ns": 7, "window_id": 2},
                {"time_ns": 3, "duration_ns": 90},
            ],
        )

    with open_trace(tmp_path, fill) as trace:
        rows = trace.sql("SELECT name, collector_ns FROM windows ORDER BY window_id").fetchall()
        assert rows == [("o", 12), ("i", 7)]
        assert trace.sql("SELECT window_id FROM gc").fetchall() == [(1,), (2,), (None,)]


def test_window_of_a_sampled_trace_says_that_it_has_too_few_samples(tmp_path: Path) -> None:
    def fill(trace: TraceEncoder) -> None:
        trace.add("windows", [{"window_id": 1, "name": "nothing seen"}])

    with open_trace(tmp_path, fill, sample_rate=0.01) as trace:
        assert trace.sql("SELECT too_few_samples FROM windows").fetchall() == [(True,)]
    with open_trace(tmp_path, fill) as trace:
        assert trace.sql("SELECT too_few_samples FROM windows").fetchall() == [(False,)]


def test_failed_and_unfinished_requests_are_counted_by_method(tmp_path: Path) -> None:
    def fill(trace: TraceEncoder) -> None:
        row = {"kind": "http", "name": "/a", "method": "GET", "end_ns": 5}
        trace.add(
            "windows",
            [
                {**row, "window_id": 1, "status": 200},
                {**row, "window_id": 2, "status": 503},
                {**row, "window_id": 3, "end_ns": -1},
                {**row, "window_id": 4, "method": "POST"},
            ],
        )

    with open_trace(tmp_path, fill) as trace:
        rows = trace.sql(
            "SELECT name, method, windows, failed, unfinished FROM windows_by_name() ORDER BY 2"
        ).fetchall()
    assert rows == [("/a", "GET", 3, 1, 1), ("/a", "POST", 1, 0, 0)]
