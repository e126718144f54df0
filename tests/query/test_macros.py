"""The macros give what a careful person would count by hand."""

from __future__ import annotations

import math
from pathlib import Path

import duckdb
import pytest
from known_trace import INTERVAL_BYTES, LIBRARY_FILE, MS, PROGRAM_FILE, known_trace, weight_of

import memlyze
from memlyze.analyses.flamegraph import flamegraph
from memlyze.query.session import Trace


def variance(*sizes_bytes: int) -> float:
    return sum(s * s * weight_of(s) * (weight_of(s) - 1) for s in sizes_bytes)


def test_hotspots_are_lines_of_the_program_and_say_where_below_it_was(trace: Trace) -> None:
    rows = trace.sql("""
        SELECT function, file, line, bytes, live_bytes, allocations, samples, origin,
               inner_function, inner_file
        FROM hotspots()
    """).fetchall()
    assert rows == [
        ("load", PROGRAM_FILE, 20, 900, 400, 3, 3, "program", "decode", LIBRARY_FILE),
        ("<unknown>", "<unknown>", 0, 500, 500, 1, 1, "runtime", None, None),
        ("main", PROGRAM_FILE, 10, 150, 150, 2, 2, "program", "main", PROGRAM_FILE),
    ]


def test_hotspots_can_be_the_innermost_frames(trace: Trace) -> None:
    rows = trace.sql("SELECT function, bytes FROM hotspots(site := 'innermost')").fetchall()
    assert rows == [("decode", 500), ("<unknown>", 500), ("load", 400), ("main", 150)] or rows == [
        ("<unknown>", 500),
        ("decode", 500),
        ("load", 400),
        ("main", 150),
    ]


def test_hotspots_of_a_time_range_leave_out_what_came_before_and_after(trace: Trace) -> None:
    rows = trace.sql(
        f"SELECT function, bytes FROM hotspots(from_ns := {2 * MS}, to_ns := {4 * MS})"
    ).fetchall()
    assert rows == [("load", 500)]


def test_exact_figures_have_no_error_and_are_never_too_few(trace: Trace) -> None:
    rows = trace.sql(
        "SELECT bytes_error, allocations_error, live_bytes_error, too_few_samples FROM hotspots()"
    ).fetchall()
    assert set(rows) == {(0, 0, 0, False)}


def test_errors_are_those_of_the_sampling(sampled: Trace) -> None:
    row = sampled.sql("""
        SELECT bytes, bytes_error, live_bytes_error, allocations, allocations_error, too_few_samples
        FROM hotspots() WHERE function = 'load'
    """).fetchall()[0]
    weights = [weight_of(size) for size in (200, 300, 400)]
    spread = sum(w * (w - 1) for w in weights)
    assert row == (
        pytest.approx(200 * weights[0] + 300 * weights[1] + 400 * weights[2]),
        pytest.approx(1.96 * math.sqrt(variance(200, 300, 400))),
        pytest.approx(1.96 * math.sqrt(variance(400))),
        pytest.approx(sum(weights)),
        pytest.approx(max(1.96 * math.sqrt(spread), 3 * INTERVAL_BYTES / 48)),
        True,
    )


@pytest.mark.parametrize(
    ("moment_ns", "live"),
    [
        (0, {}),
        (1 * MS, {"main": 100}),
        (3 * MS, {"main": 100, "load": 200}),
        (8 * MS, {"main": 100, "load": 600}),
        (9 * MS, {"main": 100, "load": 400}),
        (20 * MS, {"main": 150, "load": 400, "<unknown>": 500}),
    ],
)
def test_live_at_counts_what_was_made_and_not_yet_freed(
    moment_ns: int, live: dict[str, float], trace: Trace
) -> None:
    rows = trace.sql(f"SELECT function, bytes FROM live_at({moment_ns})").fetchall()
    assert dict(rows) == live
    assert [row[1] for row in rows] == sorted((row[1] for row in rows), reverse=True)


def test_live_at_takes_a_parameter_and_a_subquery(trace: Trace) -> None:
    expected = trace.sql(f"FROM live_at({9 * MS})").fetchall()
    assert trace.sql("FROM live_at(?)", [9 * MS]).fetchall() == expected
    assert trace.sql("FROM live_at((SELECT 9000000))").fetchall() == expected


def test_timeline_slices_add_up(trace: Trace) -> None:
    rows = trace.sql("""
        SELECT start_ns, end_ns, allocated_bytes, freed_bytes, live_bytes, peak_live_bytes,
               allocations, frees, rss, heap_live, gc_runs, gc_duration_ns
        FROM timeline(buckets := 2)
    """).fetchall()
    middle = 10 * MS + 1
    assert rows == [
        (0, middle, 1000, 500, 500, 700, 4, 2, 9000, 500, 1, 1000),
        (middle, 20 * MS + 1, 550, 0, 1050, 1050, 2, 0, 8000, 1050, 1, 3000),
    ]


@pytest.mark.parametrize("buckets", [1, 3, 7, 100, 1000])
def test_timeline_covers_everything_once(buckets: int, trace: Trace) -> None:
    rows = trace.sql(
        f"SELECT start_ns, end_ns, allocated_bytes, freed_bytes FROM timeline(buckets := {buckets})"
    ).fetchall()
    assert len(rows) == buckets
    assert rows[0][0] == 0
    assert all(before[1] == after[0] for before, after in zip(rows, rows[1:]))
    assert sum(row[2] for row in rows) == 1550
    assert sum(row[3] for row in rows) == 500


def test_lifetimes_put_each_allocation_into_one_class(trace: Trace) -> None:
    rows = trace.sql("SELECT lifetime, bytes, allocations FROM lifetimes()").fetchall()
    assert [row for row in rows if row[1]] == [
        ("under 1 ms", 300, 1),
        ("1 to 10 ms", 200, 1),
        ("still live", 1050, 4),
    ]
    assert len(rows) == 8


def test_windows_by_name_sums_over_windows_of_a_name(trace: Trace) -> None:
    rows = trace.sql("""
        SELECT name, kind, windows, allocated_bytes, mean_allocated_bytes, max_allocated_bytes,
               retained_bytes, mean_duration_ns, max_duration_ns, samples
        FROM windows_by_name()
    """).fetchall()
    assert rows == [
        ("outer", "window", 1, 900, 900, 900, 600, 3 * MS, 3 * MS, 3),
        (None, None, 0, 600, None, None, None, None, None, 2),
        ("inner", "call", 2, 350, 175, 300, 50, 1 * MS, 1 * MS, 2),
    ]


def test_what_is_in_no_window_has_sums_and_no_distribution(sampled: Trace) -> None:
    found = sampled.sql("FROM windows_by_name() WHERE windows = 0")
    row = dict(zip(found.columns, found.fetchall()[0]))
    known = {name for name, value in row.items() if value is not None}
    sums = {f"{what}_bytes{of}" for what in ("allocated", "live") for of in ("", "_error")}
    assert known == sums | {"windows", "samples", "too_few_samples"}


@pytest.mark.parametrize(
    "call, complaint",
    [
        ("timeline(buckets := 0)", "buckets is the number of slices"),
        ("timeline(buckets := -3)", "buckets is the number of slices"),
        ("hotspots(site := 'outermost')", "site is program or innermost"),
    ],
)
def test_wrong_argument_is_named(trace: Trace, call: str, complaint: str) -> None:
    with pytest.raises(duckdb.Error, match=complaint):
        trace.sql(f"FROM {call}").fetchall()


def test_retained_is_what_would_be_freed_with_an_object(trace: Trace) -> None:
    rows = trace.sql(
        "SELECT object_id, retained, dominator_id, distance FROM retained()"
    ).fetchall()
    everything = 72 + 232 + 57 + 232 + 52 + 48 + 80 + 1064
    assert {row[0]: row[1:] for row in rows} == {
        1: (everything, None, 0),
        2: (everything - 72, 1, 1),
        3: (57, 2, 2),
        4: (232 + 52 + 48 + 80 + 1064, 2, 2),
        5: (48 + 80 + 1064, 4, 3),  # its class goes with the last of its instances
        6: (80, 5, 4),
        7: (1064, 5, 4),
        8: (52, 4, 3),
        9: (56, None, 0),
    }
    assert [row[1] for row in rows] == sorted((row[1] for row in rows), reverse=True)


def test_path_to_root_is_the_shortest_chain_with_the_root_first(trace: Trace) -> None:
    rows = trace.sql("SELECT step, how, type, name, length, object_id FROM path_to_root(6)")
    assert rows.fetchall() == [
        (0, "module main", "module", "main", None, 1),
        (1, ".__dict__", "dict", None, 1, 2),
        (2, "['SESSIONS']", "dict", None, 1, 4),
        (3, "['u17']", "main.Session", None, None, 5),
        (4, ".history", "list", None, 3, 6),
    ]


def test_path_to_root_says_what_c_holds(trace: Trace) -> None:
    rows = trace.sql("SELECT step, how, type FROM path_to_root(9)").fetchall()
    assert rows == [(0, "held from C", "list")]
    assert trace.sql("FROM path_to_root(10)").fetchall() == []


def test_flamegraph_has_each_function_with_what_it_called(trace: Trace) -> None:
    rows = trace.sql("""
        SELECT function, depth, bytes, self_bytes, allocations, samples, bytes_error
        FROM flamegraph()
    """).fetchall()
    assert rows == [
        ("main", 1, 1050, 150, 5, 5, 0),
        ("load", 2, 900, 400, 3, 3, 0),
        ("<unknown>", 1, 500, 500, 1, 1, 0),
        ("decode", 3, 500, 500, 2, 2, 0),
    ]


def test_flamegraph_of_a_spike_and_what_of_it_is_alive(trace: Trace) -> None:
    born = f"flamegraph(from_ns := {2 * MS}, to_ns := {12 * MS})"
    alive = f"flamegraph(from_ns := {2 * MS}, to_ns := {12 * MS}, live_at_ns := {20 * MS})"
    assert dict(trace.sql(f"SELECT function, bytes FROM {born}").fetchall()) == {
        "main": 900,
        "load": 900,
        "decode": 500,
        "<unknown>": 500,
    }
    assert dict(trace.sql(f"SELECT function, bytes FROM {alive}").fetchall()) == {
        "main": 400,
        "load": 400,
        "<unknown>": 500,
    }


def test_flamegraph_is_the_tree_of_the_analysis(sampled: Trace) -> None:
    graph = flamegraph(sampled)
    expected = sorted(
        (node.bytes.value, node.bytes.error, *node.self_bytes) for node in graph.nodes[1:]
    )
    found = sampled.sql(
        "SELECT bytes, bytes_error, self_bytes, self_bytes_error FROM flamegraph() ORDER BY ALL"
    ).fetchall()
    assert [pytest.approx(row) for row in expected] == found


@pytest.mark.parametrize("lost", ["objects", "object_references", "object_roots"])
def test_who_holds_what_is_null_where_a_part_of_the_checkpoint_is_lost(
    lost: str, tmp_path: Path
) -> None:
    (tmp_path / "bad.mlyze").write_bytes(known_trace().damaged(lost))
    with memlyze.open(tmp_path / "bad.mlyze") as trace:
        found = trace.sql("SELECT retained, distance, dominator_id FROM retained()").fetchall()
        assert len(found) == (0 if lost == "objects" else 9)
        assert set(found) <= {(None, None, None)}
        chain = trace.sql("SELECT step, how, retained FROM path_to_root(6)").fetchall()
        told = [(0, "not known: a part of the checkpoint is damaged", None)]
        assert chain == ([] if lost == "objects" else told)
