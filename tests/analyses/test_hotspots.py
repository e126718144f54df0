"""Hotspots by everything that they can be summed by."""

from __future__ import annotations

from pathlib import Path

import pytest
from known_trace import MS, PROGRAM_FILE, known_trace, write_known_trace
from trace_encoder import Allocation, Free, Run, TraceEncoder

import memlyze
from memlyze.analyses.estimates import Estimate
from memlyze.analyses.hotspots import GROUPS, PLACES, SORTS, hotspots
from memlyze.analyses.mapped_memory import MappedMemory
from memlyze.analyses.peak import peak
from memlyze.analyses.selection import Selection
from memlyze.analyses.summary import summarize
from memlyze.errors import MemlyzeError
from memlyze.query.session import Trace


def test_hotspots_say_what_each_site_held_at_the_moment(known: Trace) -> None:
    found = hotspots(known, count=2, moment_ns=3 * MS)
    assert found.row_count == 3
    assert [(site.function, site.file, site.line) for site in found.rows] == [
        ("load", PROGRAM_FILE, 20),
        ("<unknown>", "<unknown>", 0),
    ]
    load, unknown = found.rows
    assert load.bytes == Estimate(900, 0)
    assert load.held_bytes == Estimate(200, 0)
    assert load.live_bytes == Estimate(400, 0)
    assert load.temporary_bytes == Estimate(300, 0)
    assert load.mean_lifetime_ns == 3.5 * MS
    assert load.inner_function == "decode"
    assert unknown.held_bytes == Estimate(0, 0)
    assert unknown.mean_lifetime_ns is None


def test_inner_frame_is_where_more_than_half_of_what_is_asked_for_is(known: Trace) -> None:
    def inner(by: str, sort: str) -> str | None:
        found = hotspots(known, by=by, sort=sort, moment_ns=3 * MS)
        return found.rows[0].inner_function

    assert inner("site", "allocated") == "decode"  # 500 of 900 bytes
    assert inner("site", "peak") == "decode"  # 200 of 200
    (load,) = (row for row in hotspots(known, sort="live").rows if row.function == "load")
    assert load.inner_function == "load"  # of what is live it made all itself
    assert inner("file", "allocated") is None  # 500 of 1050


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("site", {"load": 900, "<unknown>": 500, "main": 150}),
        ("line", {"decode": 500, "<unknown>": 500, "load": 400, "main": 150}),
        ("function", {"load": 900, "<unknown>": 500, "main": 150}),
        ("file", {PROGRAM_FILE: 1050, "<unknown>": 500}),
        ("module", {"main": 1050, "<unknown>": 500}),
        ("thread", {"MainThread": 1050, "thread 71": 500}),
        ("window", {"no window": 600, "outer": 600, "inner": 350}),
        ("process", {"process 7: python main.py 'two words'": 1550}),
        ("type", {"unknown: not live at a checkpoint, or no object": 1450, "main.Session": 100}),
    ],
)
def test_what_figures_are_summed_by(by: str, expected: dict[str, float], known: Trace) -> None:
    found = hotspots(known, by=by)
    assert {row.name: row.bytes.value for row in found.rows} == expected
    assert found.total is not None
    assert (found.total.name, found.total.bytes.value, found.total.samples) == ("all", 1550, 6)
    assert found.total.live_bytes.value == 1050


def test_process_of_multiprocessing_is_called_what_it_is(tmp_path: Path) -> None:
    code = "from multiprocessing.spawn import spawn_main; spawn_main(pipe_handle=13)"
    command_line = ("python", "-c", code, "--multiprocessing-fork")
    path = write_known_trace(tmp_path / "t.mlyze", command_line=command_line)
    with memlyze.open(path) as trace:
        (row,) = hotspots(trace, by="process").rows
    assert row.name == "process 7: multiprocessing: process started by spawn"


def test_every_way_to_sum_is_tested() -> None:
    mark = test_what_figures_are_summed_by.pytestmark[0]  # type: ignore[attr-defined]
    assert {values[0] for values in mark.args[1]} == set(PLACES + GROUPS)


@pytest.mark.parametrize("sort", SORTS)
def test_rows_are_in_the_order_that_is_asked_for(sort: str, known: Trace) -> None:
    rows = hotspots(known, by="line", sort=sort, moment_ns=8 * MS).rows
    figures = {
        "allocated": [row.bytes.value for row in rows],
        "allocations": [row.allocations.value for row in rows],
        "live": [row.live_bytes.value for row in rows],
        "peak": [row.held_bytes.value for row in rows],
        "temporary": [row.temporary_bytes.value for row in rows],
        "lifetime": [row.mean_lifetime_ns or 0 for row in rows],
    }
    assert figures[sort] == sorted(figures[sort], reverse=True)
    assert len(rows) == 4


def test_selection_is_by_any_function_on_the_stack(known: Trace) -> None:
    found = hotspots(known, selection=Selection(function="decode"))
    assert [(row.name, row.bytes.value) for row in found.rows] == [("load", 500)]


def test_temporary_is_what_is_freed_within_the_time(known: Trace) -> None:
    load = hotspots(known, temporary_ns=7 * MS).rows[0]
    assert (load.temporary_bytes.value, load.temporary_allocations) == (500, 2)


def test_temporary_is_what_its_thread_frees_within_some_allocations(tmp_path: Path) -> None:
    encoder = TraceEncoder({"process_id": 1})
    first = 1 << 16
    encoder.add_runs(
        [
            Run(1, 0, first, [Allocation(1), Free(first)]),
            Run(1, 9, first + 1, [Allocation(20), Allocation(300)]),
            # Of another thread: counts neither as freed soon nor as made in between.
            Run(2, 9, 2 * first, [Allocation(4000), Allocation(50_000)]),
            Run(1, 9, first + 3, [Free(2 * first), Free(first + 1), Allocation(600_000)]),
            # After one more of its own, which is mapped and need not be memory.
            Run(2, 9, 2 * first + 2, [Allocation(0, 0, 5), Free(2 * first + 1)]),
        ]
    )
    encoder.write(tmp_path / "t.mlyze")
    with memlyze.open(tmp_path / "t.mlyze") as trace:

        def temporary(within: int) -> float:
            found = hotspots(trace, within_allocations=within)
            assert found.within_allocations == within
            assert found.total is not None
            return found.total.temporary_bytes.value

        assert (temporary(1), temporary(2), temporary(9)) == (50_001, 50_021, 50_021)
        assert trace.sql(
            "SELECT allocation_id, made_between FROM frees ORDER BY allocation_id"
        ).fetchall() == [(first, 0), (first + 1, 1), (2 * first + 1, 0)]
    with memlyze.open(tmp_path / "t.mlyze") as trace, pytest.raises(MemlyzeError, match="types"):
        hotspots(trace, by="type", within_allocations=1)


def test_what_is_mapped_is_told_apart_reserved_and_resident(tmp_path: Path) -> None:
    encoder = TraceEncoder({"process_id": 1, "sample_rate": 1.0})
    encoder.add("codes", [{"code_id": 1, "function": "load", "file": "a.py", "first_line": 3}])
    encoder.add("stacks", [{"stack_id": 1, "parent_id": 0, "code_id": 1}])
    first = 1 << 16
    events = [Allocation(64 << 20, 1, allocator=4), Allocation(1000, 1), Allocation(8192, 1, 4)]
    encoder.add_runs([Run(1, 5 * MS, first, [*events, Free(first + 2)])])
    resident = [(0, 3 << 20), (4 * MS, 16384)]  # nobody is known to hold it
    encoder.add(
        "resident",
        [{"time_ns": t, "category": 0, "resident_bytes": size} for t, size in resident],
    )
    encoder.add("memory", [{"time_ns": 5 * MS, "rss": 1 << 20}])
    encoder.write(tmp_path / "t.mlyze")
    with memlyze.open(tmp_path / "t.mlyze") as trace:
        (row,) = hotspots(trace).rows
        mapped = peak(trace).mapped
        assert summarize(trace).mapped == mapped
        of_sql = trace.sql("SELECT site, live_mapped_bytes FROM hotspots()").fetchall()
    assert (row.held_bytes.value, row.held_mapped_bytes) == ((64 << 20) + 1000, (64 << 20, 0))
    assert mapped == MappedMemory(Estimate(64 << 20, 0), 16384, 4 * MS)
    assert of_sql == [("a.py:3 load", 64 << 20)]


@pytest.mark.parametrize(
    ("seen_mib_by_ms", "freed_ms", "expected"),
    [
        pytest.param({5: 3, 20: 64, 30: 40}, None, (64, 20), id="written to later"),
        pytest.param({5: 3, 9: 30, 20: 64}, 15, (30, 9), id="freed before more was resident"),
        pytest.param({2: 40, 5: 3, 20: 3}, None, (3, 5), id="resident before it was mapped"),
        pytest.param({2: 7}, 15, (7, 2), id="no snapshot while it was there"),
    ],
)
def test_mapped_memory_that_is_written_to_later_is_resident(
    seen_mib_by_ms: dict[int, int],
    freed_ms: int | None,
    expected: tuple[int, int],
    tmp_path: Path,
) -> None:
    """The most is live at 5 ms, and stays so until a part of it is freed, if ever."""
    encoder = TraceEncoder({"process_id": 1, "sample_rate": 1.0})
    first = 1 << 16
    kept = [Allocation(40 << 20, allocator=4), Allocation(24 << 20, allocator=4)]
    encoder.add_runs([Run(1, 5 * MS, first, [*kept, Allocation(1000)])])
    encoder.add_runs([Run(1, 6 * MS, first + 3, [Free(first + 2)])])
    if freed_ms:
        encoder.add_runs([Run(1, freed_ms * MS, first + 3, [Free(first)])])
    encoder.add(
        "resident",
        [
            {"time_ns": ms * MS, "category": 0, "resident_bytes": mib << 20}
            for ms, mib in seen_mib_by_ms.items()
        ],
    )
    encoder.add("memory", [{"time_ns": 40 * MS, "rss": 1 << 20}])
    encoder.write(tmp_path / "t.mlyze")
    mib, ms = expected
    with memlyze.open(tmp_path / "t.mlyze") as trace:
        mapped = peak(trace).mapped
        assert summarize(trace).mapped == mapped
    assert mapped == MappedMemory(Estimate(64 << 20, 0), mib << 20, ms * MS)


def test_what_an_ended_process_had_mapped_is_not_resident_any_more(tmp_path: Path) -> None:
    def write(name: str, process_id: int, start_ms: int, end_ms: int, resident_bytes: int) -> str:
        started = {"start_time_unix_ns": 10**18 + start_ms * MS, "end_ns": (end_ms - start_ms) * MS}
        encoder = TraceEncoder(
            {"process_id": process_id, "sample_rate": 1.0, "stop_reason": "exit", **started}
        )
        encoder.add_runs([Run(1, 1 * MS, 1 << 16, [Allocation(64 << 20, allocator=4)])])
        encoder.add("resident", [{"category": 0, "resident_bytes": resident_bytes}])
        encoder.write(tmp_path / name)
        return str(tmp_path / name)

    first = write("a.mlyze", 7, 0, 10, 3 << 20)
    second = write("b.mlyze", 8, 2, 50, 5 << 20)
    third = write("c.mlyze", 9, 40, 50, 7 << 20)
    with memlyze.open(first, second, third) as trace:
        moments = [peak(trace, moment_ns=ms * MS).mapped for ms in (9, 20, 45)]
    assert [mapped and mapped.resident_bytes for mapped in moments] == [8 << 20, 5 << 20, 12 << 20]


def test_few_samples_are_told(sampled: Trace) -> None:
    assert all(row.has_too_few_samples for row in hotspots(sampled).rows)


def test_moment_after_the_end_of_a_process_leaves_out_what_it_had(tmp_path: Path) -> None:
    first = write_known_trace(tmp_path / "a.mlyze")
    second = write_known_trace(tmp_path / "b.mlyze", process_id=8, start_unix_ns=10**18 + 30 * MS)
    with memlyze.open(first, second) as trace:
        rows = hotspots(trace, by="process", moment_ns=45 * MS).rows
        assert [row.held_bytes.value for row in rows] == [0, 1050]
        assert [row.held_bytes.value for row in hotspots(trace, by="process").rows] == [1050, 1050]


def test_empty_trace_has_none(tmp_path: Path) -> None:
    TraceEncoder({"process_id": 1}).write(tmp_path / "empty.mlyze")
    with memlyze.open(tmp_path / "empty.mlyze") as trace:
        found = hotspots(trace)
    assert (found.rows, found.total, found.row_count) == ((), None, 0)


def test_unknown_words_are_answered_with_those_there_are(known: Trace) -> None:
    with pytest.raises(MemlyzeError, match="site, line, function"):
        hotspots(known, by="colour")
    with pytest.raises(MemlyzeError, match="allocated, allocations"):
        hotspots(known, sort="colour")


def test_types_need_a_checkpoint(tmp_path: Path) -> None:
    TraceEncoder({"process_id": 1}).write(tmp_path / "none.mlyze")
    complaint = pytest.raises(MemlyzeError, match=r"no checkpoint.*--checkpoint-interval-s")
    with memlyze.open(tmp_path / "none.mlyze") as trace, complaint:
        hotspots(trace, by="type")


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("thread", {"thread 1": 1050, "thread 2": 500}),
        ("window", {"no window": 600, "window 1": 600, "window 2": 300, "window 3": 50}),
    ],
)
def test_what_a_damaged_trace_has_no_name_of_is_called_by_its_number(
    by: str, expected: dict[str, float], tmp_path: Path
) -> None:
    encoder = known_trace()
    content = bytearray(encoder.to_bytes())
    for offset in encoder.block_offsets[3:5]:  # of threads and windows
        content[offset + 60] ^= 0xFF
    path = tmp_path / "damaged.mlyze"
    path.write_bytes(content)
    with memlyze.open(path) as trace:
        assert len(trace.sql("SELECT * FROM windows").fetchall()) == 0
        rows = hotspots(trace, by=by).rows
    assert {row.name: row.bytes.value for row in rows} == expected
