"""Timelines add up, and their peaks are where most was live."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from known_trace import MS, known_trace, write_known_trace
from trace_encoder import TraceEncoder

import memlyze
from memlyze.analyses.curves import bucket_edges, clock_curves, rss_peak
from memlyze.analyses.prominence import prominent_peaks
from memlyze.analyses.resident_memory import resident_over_time
from memlyze.analyses.selection import Selection
from memlyze.analyses.timeline import timeline
from memlyze.errors import MemlyzeError
from memlyze.query.session import Trace


def test_slices_say_what_happened_in_them(known: Trace) -> None:
    first, second = timeline(known, buckets=2).slices
    middle = 10 * MS + 1
    assert (first.start_ns, first.end_ns, second.end_ns) == (0, middle, 20 * MS + 1)
    assert (first.allocated_bytes.value, first.allocations) == (1000, 4)
    assert (first.freed_bytes, first.frees) == ((500, 0), 2)
    assert (first.live_bytes.value, first.peak_live_bytes) == (500, 700)
    assert (second.live_bytes.value, second.peak_live_bytes) == (1050, 1050)
    assert (first.rss, second.rss) == (9000, 9000)
    assert (first.gc_runs, first.gc_duration_ns) == (1, 1000)


@pytest.mark.parametrize("buckets", [1, 3, 7, 100, 1000])
def test_slices_cover_everything_once(buckets: int, known: Trace) -> None:
    slices = timeline(known, buckets=buckets).slices
    assert len(slices) == buckets
    assert all(before.end_ns == after.start_ns for before, after in zip(slices, slices[1:]))
    assert sum(part.allocated_bytes.value for part in slices) == 1550
    assert slices[-1].live_bytes.value == 1050
    assert max(part.peak_live_bytes for part in slices) == 1050


def test_slices_are_those_of_the_macro(sampled: Trace) -> None:
    rows = sampled.sql("""
        SELECT start_ns, end_ns, allocated_bytes, allocated_bytes_error, live_bytes, frees, gc_runs
        FROM timeline(buckets := 7)
    """).fetchall()
    slices = timeline(sampled, buckets=7).slices
    found = [
        (s.start_ns, s.end_ns, *s.allocated_bytes, s.live_bytes.value, s.frees, s.gc_runs)
        for s in slices
    ]
    assert found == [pytest.approx(row) for row in rows]


def test_range_of_a_timeline_counts_what_was_live_before(known: Trace) -> None:
    slices = timeline(known, buckets=2, selection=Selection(from_ns=4 * MS, to_ns=8 * MS)).slices
    assert [(part.start_ns, part.end_ns) for part in slices] == [(4 * MS, 6 * MS), (6 * MS, 8 * MS)]
    assert [part.live_bytes.value for part in slices] == [700, 700]
    assert [part.allocated_bytes.value for part in slices] == [400, 0]
    # A reading holds until the next.
    assert [part.rss for part in slices] == [4990, 4990]
    later = timeline(known, buckets=1, selection=Selection(from_ns=11 * MS, to_ns=12 * MS))
    assert later.slices[0].rss == 9000


def test_timeline_of_a_thread(known: Trace) -> None:
    (whole,) = timeline(known, buckets=1, selection=Selection(thread=2)).slices
    assert (whole.allocated_bytes.value, whole.live_bytes.value) == (500, 500)


def test_peak_says_what_was_live_then(known: Trace) -> None:
    peaks = timeline(known, buckets=20, peaks=5).peaks
    assert [(peak.time_ns, peak.live_bytes.value) for peak in peaks] == [
        (12 * MS, 1050),
        (4 * MS, 700),
    ]
    assert [(site.name, site.held_bytes.value) for site in peaks[1].sites] == [
        ("load", 600),
        ("main", 100),
    ]


def test_what_a_process_had_ends_with_it(tmp_path: Path) -> None:
    first = write_known_trace(tmp_path / "a.mlyze")
    second = write_known_trace(tmp_path / "b.mlyze", process_id=8, start_unix_ns=10**18 + 30 * MS)
    with memlyze.open(first, second) as trace:
        slices = timeline(trace, buckets=50, peaks=0).slices
    at = {part.start_ns // MS: part for part in slices}
    assert at[18].live_bytes.value == 1050
    assert at[25].live_bytes.value == 0
    assert at[25].rss is None
    assert slices[-1].live_bytes.value == 1050


def test_what_explains_resident_memory_of_a_process_ends_with_it(tmp_path: Path) -> None:
    first = write_known_trace(tmp_path / "a.mlyze")
    second = write_known_trace(tmp_path / "b.mlyze", process_id=8, start_unix_ns=10**18 + 5 * MS)

    def sums(from_ns: int = 0, to_ns: int = 60 * MS, process_id: int | None = None) -> object:
        with memlyze.open(first, second) as trace:
            found = resident_over_time(trace, from_ns=from_ns, to_ns=to_ns, process_id=process_id)
        columns = zip(*(part.resident_bytes for part in found.categories))
        return dict(zip(found.times_ns, map(sum, columns)))

    # The last of the processes ends with the recording.
    whole = {0: 4100, 5 * MS: 8200, 10 * MS: 13100, 15 * MS: 18000, 20 * MS + 1: 9000}
    assert sums() == whole
    assert sums(process_id=7) == {0: 4100, 10 * MS: 9000, 20 * MS + 1: 0}
    # A range begins with what was before it.
    assert sums(12 * MS, 20 * MS) == {12 * MS: 13100, 15 * MS: 18000}
    assert sums(21 * MS, 22 * MS) == {21 * MS: 9000}


def test_empty_trace_has_a_slice_with_nothing(tmp_path: Path) -> None:
    TraceEncoder({"process_id": 1}).write(tmp_path / "empty.mlyze")
    with memlyze.open(tmp_path / "empty.mlyze") as trace:
        found = timeline(trace)
    assert found.peaks == ()
    assert [(part.live_bytes.value, part.rss) for part in found.slices] == [(0, None)]


def test_timeline_has_at_least_one_slice(known: Trace) -> None:
    with pytest.raises(MemlyzeError, match="1 or more slices, not 0"):
        timeline(known, buckets=0)


def test_cut_off_trace_has_a_timeline(tmp_path: Path) -> None:
    content = known_trace().to_bytes()
    (tmp_path / "cut.mlyze").write_bytes(content[: len(content) // 2])
    with memlyze.open(tmp_path / "cut.mlyze") as trace:
        assert timeline(trace).slices


@pytest.mark.parametrize(
    ("heights", "expected"),
    [
        ([], []),
        ([0, 0], []),
        ([1, 5, 3, 9], [3, 1]),
        ([9, 1, 5, 0], [0, 2]),
        ([5, 5, 5], [0]),
        ([0, 5, 1, 5, 0], [1, 3]),
        ([10, 9.5, 9.9, 0], [0]),
        ([1, 2, 3, 4], [3]),
    ],
)
def test_peaks_are_what_stands_out(heights: list[float], expected: list[int]) -> None:
    assert prominent_peaks(heights, 10, 0.1) == expected


def test_no_more_peaks_than_asked_for() -> None:
    assert prominent_peaks([9, 0, 5, 0, 7, 0], 2, 0.1) == [0, 4]


@pytest.mark.parametrize("buckets", [1, 2, 7, 100])
def test_resident_memory_of_processes_that_follow_each_other_is_not_added_up(
    buckets: int, tmp_path: Path
) -> None:
    first = write_known_trace(tmp_path / "a.mlyze")
    second = write_known_trace(tmp_path / "b.mlyze", process_id=8, start_unix_ns=10**18 + 30 * MS)
    with memlyze.open(first, second) as trace:
        slices = timeline(trace, buckets=buckets, peaks=0).slices
        by_sql = trace.sql(
            f"SELECT max(program_rss) FROM timeline(buckets := {buckets})"
        ).fetchall()
        edges = bucket_edges(0, 60 * MS, buckets)
        rss = clock_curves(trace, edges, None)["rss"]
        (peak,) = rss_peak(trace, rss, edges, None)
    assert max(part.rss or 0 for part in slices) == 9000
    assert by_sql == [(9000,)]
    assert (peak.bytes, peak.time_ns) == (9000, 10 * MS)


def test_reading_that_the_system_did_not_tell_is_none(tmp_path: Path) -> None:
    """Of a process without /proc nothing is known; of one that loses it, what was read before."""

    def write(name: str, process_id: int, *rss: int) -> str:
        encoder = TraceEncoder({"process_id": process_id, "start_time_unix_ns": 10**18})
        ticks = [{"time_ns": n * MS, "rss": of} for n, of in enumerate(rss)]
        encoder.add("memory", [{**tick, "tracer_bytes": 10} for tick in ticks])
        encoder.write(tmp_path / name)
        return str(tmp_path / name)

    never = write("a.mlyze", 7, 0, 0, 0, 0)
    lost = write("b.mlyze", 8, 1010, 2010, 0, 510)
    for paths, expected in (
        ([never], [None] * 4),
        ([never, lost], [1000, 2000, 2000, 2000]),
        ([lost], [1000, 2000, 2000, 2000]),  # a reading holds until the next one
    ):
        with memlyze.open(*paths) as trace:
            slices = timeline(trace, buckets=4, peaks=0).slices
            clock = clock_curves(trace, bucket_edges(0, 4 * MS, 4), None)
            peak = rss_peak(trace, clock["rss"], bucket_edges(0, 4 * MS, 4), None)
            (by_sql,) = trace.sql(
                "SELECT max(program_rss), max(rss) FROM timeline(buckets := 4)"
            ).fetchall()
        assert [part.rss for part in slices] == expected
        most = expected[1]
        assert by_sql == (most, most and most + 10)
        assert [(of.bytes, of.time_ns) for of in peak] == ([(2000, 1 * MS)] if most else [])
        assert np.nanmax(clock["tracer_bytes"].greatest) == 10 * len(paths)
