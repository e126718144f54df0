"""The public views hold what was recorded."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from known_trace import FIRST_ID, LIBRARY_FILE, MS, PROGRAM_FILE, weight_of, write_known_trace
from trace_encoder import TraceEncoder

from memlyze.query.session import Trace, open_trace


def test_allocations_have_nulls_where_there_is_nothing(trace: Trace) -> None:
    rows = trace.sql("SELECT * FROM allocations ORDER BY time_ns").fetchall()
    main, second = FIRST_ID, 2 * FIRST_ID
    assert rows == [
        (main, 1 * MS, None, 100, 1, 100, "object", 1, 1, None, 7),
        (main + 1, 2 * MS, 9 * MS, 200, 1, 200, "object", 3, 1, 1, 7),
        (main + 2, 3 * MS, 3 * MS, 300, 1, 300, "object", 3, 1, 2, 7),
        (main + 3, 4 * MS, None, 400, 1, 400, "object", 2, 1, 1, 7),
        (second, 11 * MS, None, 500, 1, 500, "raw", None, 2, None, 7),
        (main + 4, 12 * MS, None, 50, 1, 50, "object", 1, 1, 3, 7),
    ]


def test_files_and_reservations_are_mappings_and_no_allocations(trace: Trace) -> None:
    rows = trace.sql("SELECT * FROM mappings ORDER BY time_ns").fetchall()
    assert rows == [
        (FIRST_ID + 5, 13 * MS, None, "file", 4096, 1, 4096, 2, 1, None, 7),
        (FIRST_ID + 6, 14 * MS, 15 * MS, "reservation", 1 << 30, 1, 1 << 30, 1, 1, None, 7),
    ]


def test_sampled_allocations_stand_for_as_many_as_their_weight_says(sampled: Trace) -> None:
    for size, weight, size_bytes in sampled.sql(
        "SELECT size, weight, bytes FROM allocations"
    ).fetchall():
        assert weight == pytest.approx(weight_of(size))
        assert size_bytes == pytest.approx(size * weight)


def test_frames_say_whose_code_they_are(trace: Trace) -> None:
    rows = trace.sql("SELECT function, file, line, module, language, origin FROM frames").fetchall()
    assert sorted(rows) == [
        ("decode", LIBRARY_FILE, 30, "json.decoder", "python", "standard library"),
        ("load", PROGRAM_FILE, 20, "main", "python", "program"),
        ("main", PROGRAM_FILE, 10, "main", "python", "program"),
    ]


def test_stacks_form_a_tree(trace: Trace) -> None:
    rows = trace.sql("""
        SELECT s.stack_id, s.parent_id, f.function, s.depth
        FROM stacks s JOIN frames f USING (frame_id) ORDER BY 1
    """).fetchall()
    assert rows == [(1, None, "main", 1), (2, 1, "load", 2), (3, 2, "decode", 3)]


def test_stack_frames_spell_stacks_out_from_the_innermost(trace: Trace) -> None:
    rows = trace.sql(
        "SELECT depth, function, line FROM stack_frames WHERE stack_id = 3 ORDER BY depth"
    ).fetchall()
    assert rows == [(0, "decode", 30), (1, "load", 20), (2, "main", 10)]


def test_threads_that_run_on_have_no_end(trace: Trace) -> None:
    rows = trace.sql("SELECT * EXCLUDE process_id FROM threads ORDER BY 1").fetchall()
    assert rows == [(1, 70, "MainThread", 0, None), (2, 71, None, 5 * MS, 15 * MS)]


def test_process_is_described_by_the_metadata(trace: Trace, path: str) -> None:
    assert trace.sql("SELECT * FROM processes").fetchall() == [
        (7, 1, "python main.py 'two words'", "3.11.7", 10**18, 0, 0, 20 * MS, None, "exit", path)
    ]


def test_objects_have_types_names_and_their_checkpoint(trace: Trace) -> None:
    rows = trace.sql("""
        SELECT object_id, type, size, length, allocation_id, buffer_allocation_id, name,
            checkpoint_id
        FROM objects WHERE object_id IN (1, 5, 6, 8) ORDER BY 1
    """).fetchall()
    assert rows == [
        (1, "module", 72, None, None, None, "main", 1),
        (5, "main.Session", 48, None, FIRST_ID, None, None, 1),
        (6, "list", 80, 3, None, FIRST_ID, None, 1),
        (8, "str", 52, 3, None, None, "'u17'", 1),
    ]


def test_references_read_as_one_writes_them(trace: Trace) -> None:
    rows = trace.sql("SELECT * FROM object_references ORDER BY from_id, to_id").fetchall()
    assert rows == [
        (1, 2, ".__dict__", None),
        (2, 3, "key", None),
        (2, 4, "['SESSIONS']", 3),
        (4, 5, "['u17']", 8),
        (4, 8, "key", None),
        (5, 6, ".history", None),
    ]


def test_work_that_the_recorder_did_not_note_is_null(tmp_path: Path) -> None:
    trace = TraceEncoder({"sample_rate": 1.0})
    ticks = [
        {"time_ns": 0, "cpu_us": 1500, "waits": 3},
        {"time_ns": MS, "cpu_us": 2500, "waits": 3},
    ]
    trace.add("memory", ticks)
    earlier = {"time_ns": [2 * MS], "rss": [1], "heap_live": [1], "heap_live_count": [1]}
    trace.add_columns("memory", {**earlier, "tracer_bytes": [1]}, row_count=1)
    path = tmp_path / "work.mlyze"
    path.write_bytes(trace.to_bytes())
    with open_trace(path) as opened:
        rows = opened.sql("SELECT cpu_ns, waits FROM memory ORDER BY time_ns").fetchall()
    assert rows == [(1_500_000, 3), (2_500_000, 3), (None, None)]


def test_memory_and_gc_hold_their_readings(trace: Trace) -> None:
    assert trace.sql("SELECT time_ns, rss, heap_live FROM memory").fetchall() == [
        (0, 5000, 0),
        (10 * MS, 9000, 500),
        (19 * MS, 8000, 1050),
    ]
    assert trace.sql("SELECT generation, duration_ns, collected FROM gc").fetchall() == [
        (0, 1000, 4),
        (2, 3000, 6),
    ]


def test_resident_memory_is_explained_by_categories_that_add_up(trace: Trace) -> None:
    rows = trace.sql("SELECT * EXCLUDE process_id FROM rss_explained ORDER BY time_ns, category")
    assert [row for row in rows.fetchall() if row[0] == 10 * MS] == [
        (10 * MS, "code", 3000, 0, 3000 / 9000),
        (10 * MS, "library_data", 100, 0, 100 / 9000),
        (10 * MS, "pymalloc_free", 500, 1000, 500 / 9000),
        (10 * MS, "python_objects", 5000, 0, 5000 / 9000),
        (10 * MS, "unexplained", 400, 999, 400 / 9000),
    ]
    shares = trace.sql("SELECT sum(share) FROM rss_explained GROUP BY time_ns").fetchall()
    assert [round(share, 9) for (share,) in shares] == [1, 1]


def test_mappings_are_whole_where_categories_divide_them(trace: Trace) -> None:
    rows = trace.sql(
        "SELECT * EXCLUDE process_id FROM resident_mappings ORDER BY time_ns, kind"
    ).fetchall()
    assert [row for row in rows if row[0] == 10 * MS] == [
        (10 * MS, "code", "/bin/python", 3, 0, 3100, 100),
        (10 * MS, "pymalloc", None, 2, 1000, 5500, 0),
        (10 * MS, "unexplained", None, 1, 999, 400, 0),
    ]


def test_metadata_values_are_text_or_json(trace: Trace) -> None:
    values = dict(trace.sql("SELECT key, value FROM metadata").fetchall())
    assert values["python_version"] == "3.11.7"
    assert values["sample_rate"] == "1.0"


def test_windows_count_what_happened_inside_the_windows_in_them(trace: Trace) -> None:
    rows = trace.sql("""
        SELECT window_id, parent_id, allocated_bytes, allocations, own_allocated_bytes,
               retained_bytes, live_bytes, allocated_bytes_error
        FROM windows ORDER BY window_id
    """).fetchall()
    assert rows == [
        # 200 + 300 + 400; at its end 200 (freed later) and 400 were not freed yet.
        (1, None, 900, 3, 600, 600, 400, 0),
        (2, 1, 300, 1, 300, 0, 0, 0),
        (3, None, 50, 1, 50, 50, 50, 0),
    ]


def test_windows_without_allocations_have_zeros(tmp_path: Path) -> None:
    from trace_encoder import TraceEncoder

    encoder = TraceEncoder({"process_id": 1})
    encoder.add("windows", [{"window_id": 1, "name": "w", "start_ns": 1, "end_ns": 4}])
    encoder.write(tmp_path / "w.mlyze")
    with open_trace(tmp_path / "w.mlyze") as opened:
        assert opened.sql(
            "SELECT duration_ns, allocated_bytes, retained_bytes, samples, attributes FROM windows"
        ).fetchall() == [(3, 0, 0, 0, None)]


def test_window_errors_follow_from_the_weights(sampled: Trace) -> None:
    error = sampled.sql("SELECT allocated_bytes_error FROM windows WHERE window_id = 2").fetchall()[
        0
    ][0]
    weight = weight_of(300)
    assert error == pytest.approx(1.96 * math.sqrt(300**2 * weight * (weight - 1)))


def test_several_files_are_told_apart_and_joined_right(tmp_path: Path) -> None:
    first = write_known_trace(tmp_path / "a.mlyze", process_id=7)
    later = write_known_trace(
        tmp_path / "b.mlyze", process_id=8, start_unix_ns=10**18 + 100 * MS, sampled=True
    )
    with open_trace([first, later]) as both:
        assert both.sql(
            "SELECT process_id, count(*), min(time_ns) FROM allocations GROUP BY ALL ORDER BY 1"
        ).fetchall() == [(7, 6, 1 * MS), (8, 6, 101 * MS)]
        assert both.sql("""
            SELECT a.process_id, f.function, count(*)
            FROM allocations a
            JOIN stack_frames f USING (stack_id)
            WHERE f.depth = 0 AND f.process_id = a.process_id
            GROUP BY ALL ORDER BY 1, 2
        """).fetchall() == [
            (7, "decode", 2),
            (7, "load", 1),
            (7, "main", 2),
            (8, "decode", 2),
            (8, "load", 1),
            (8, "main", 2),
        ]
        windows = both.sql(
            "SELECT process_id, name, allocated_bytes > 0 FROM windows ORDER BY window_id"
        ).fetchall()
        assert windows == [
            (process, name, True) for process in (7, 8) for name in ("outer", "inner", "inner")
        ]
        assert both.sql("SELECT process_id, start_ns FROM processes").fetchall() == [
            (7, 0),
            (8, 100 * MS),
        ]
