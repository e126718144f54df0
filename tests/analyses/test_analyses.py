"""Analyses give plain data about traces in every state."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest
from known_trace import MS, known_trace, weight_of, write_known_trace
from trace_encoder import TraceEncoder

import memlyze
from memlyze.analyses.curves import bucket_edges, clock_curves, rss_peak
from memlyze.analyses.estimates import Estimate
from memlyze.analyses.inventory import take_inventory
from memlyze.analyses.peak import peak
from memlyze.analyses.resident_memory import Part, explain_peak
from memlyze.analyses.summary import Collections, Peak, Process, summarize
from memlyze.analyses.timeline import timeline
from memlyze.query.session import Trace
from memlyze.trace import format as fmt
from memlyze.trace import trace_file


def test_summary_of_an_exact_trace(tmp_path: Path) -> None:
    path = write_known_trace(tmp_path / "t.mlyze")
    with memlyze.open(path) as trace:
        summary = summarize(trace)
    assert summary.paths == (path,)
    assert summary.processes == (
        Process(
            process_id=7,
            parent_process_id=1,
            started_by=None,
            ended_by="exit",
            path=path,
            command_line="python main.py 'two words'",
            python_version="3.11.7",
            start_ns=0,
            end_ns=20 * MS,
            peak_rss=9000,
            samples=6,
            bytes=Estimate(1550, 0),
        ),
    )
    assert (summary.duration_ns, summary.is_complete, summary.is_exact) == (20 * MS, True, True)
    assert summary.bytes == Estimate(1550, 0)
    assert summary.allocations == Estimate(6, 0)
    assert summary.live_bytes == Estimate(1050, 0)
    assert summary.peak_rss == Peak(9000, 10 * MS, 7)
    assert (summary.peak_live_ns, summary.peak_live_bytes) == (12 * MS, Estimate(1050, 0))
    assert summary.collections == Collections(runs=2, duration_ns=4000, collected=10)
    assert (summary.cost.peak_bytes, summary.cost.writer_cpu_ns) == (1 << 20, 2 * MS)
    assert [site.held_bytes.value for site in summary.sites] == [400, 500, 150]


def test_greatest_at_the_peak_is_among_the_sites_however_little_it_allocated(
    tmp_path: Path,
) -> None:
    """`load` allocated 900 bytes of which 400 were live then, what is unknown 500, all live."""
    path = write_known_trace(tmp_path / "t.mlyze")
    with memlyze.open(path) as trace:
        shown = {n: [site.function for site in summarize(trace, sites=n).sites] for n in range(4)}
        of_end = summarize(trace, sites=1, explains_peak=False).sites
    assert shown == {
        0: [],
        1: ["load", "<unknown>"],
        2: ["load", "<unknown>"],
        3: ["load", "<unknown>", "main"],
    }
    assert [site.function for site in of_end] == ["load"]


def trace_of_three_ticks() -> TraceEncoder:
    """The memory clock read 500, 800 and 900 bytes, of which the recorder held 20, 40 and 300."""
    encoder = TraceEncoder({"process_id": 1})
    readings = [(0, 500, 20), (1 * MS, 800, 40), (2 * MS, 900, 300)]
    encoder.add(
        "memory",
        [{"time_ns": t, "rss": rss, "tracer_bytes": own} for t, rss, own in readings],
    )
    return encoder


class PeaksTold(NamedTuple):
    """What the places beside the summary tell of resident memory."""

    slices: list[int | None]
    of_clock: list[Any]
    of_macro: list[Any]
    on_the_page: list[tuple[int, int]]


def peaks_told(trace: Trace) -> PeaksTold:
    edges = bucket_edges(0, 3 * MS, 3)
    curve = clock_curves(trace, edges, None)
    return PeaksTold(
        [part.rss for part in timeline(trace, buckets=3).slices],
        trace.sql("SELECT max(program_rss), max(rss) FROM memory").fetchall(),
        trace.sql("SELECT max(program_rss), max(rss) FROM timeline()").fetchall(),
        [(told.bytes, told.time_ns) for told in rss_peak(trace, curve["rss"], edges, None)],
    )


def test_peak_of_resident_memory_is_the_programs_and_the_same_everywhere(tmp_path: Path) -> None:
    encoder = trace_of_three_ticks()
    encoder.write(tmp_path / "t.mlyze")
    with memlyze.open(tmp_path / "t.mlyze") as trace:
        summary = summarize(trace)
        told = peaks_told(trace)
    assert (summary.peak_rss, summary.peak_rss_tracer_bytes) == (Peak(760, 1 * MS, 1), 40)
    assert summary.processes[0].peak_rss == 760
    assert told.slices == [480, 760, 760]
    assert told.of_clock == told.of_macro == [(760, 900)]
    assert told.on_the_page == [(760, 1 * MS)]


def test_what_a_snapshot_saw_is_not_more_than_the_peak(tmp_path: Path) -> None:
    """What the recorder holds is not all resident: the clock takes too much away."""
    encoder = trace_of_three_ticks()
    encoder.add(
        "resident",
        [
            {"time_ns": 2 * MS, "category": 1, "resident_bytes": 830},
            {
                "time_ns": 2 * MS,
                "category": fmt.RESIDENT_CATEGORY_NAMES.index("tracer"),
                "resident_bytes": 70,
            },
        ],
    )
    encoder.write(tmp_path / "t.mlyze")
    with memlyze.open(tmp_path / "t.mlyze") as trace:
        summary = summarize(trace)
        told = peaks_told(trace)
        reading = peak(trace, moment_ns=2 * MS).resident[0]
    assert summary.resident is not None
    assert summary.resident.program_bytes == 830
    assert (summary.peak_rss, summary.peak_rss_tracer_bytes) == (Peak(830, 2 * MS, 1), 70)
    assert summary.processes[0].peak_rss == reading.bytes == 830
    assert told.slices == [480, 760, 830]
    assert told.of_clock == told.of_macro == [(830, 900)]
    assert told.on_the_page == [(830, 2 * MS)]


def test_snapshot_whose_tick_was_lost_counts_for_the_one_before(tmp_path: Path) -> None:
    encoder = TraceEncoder({"process_id": 1})
    encoder.add("memory", [{"time_ns": t * MS, "rss": 500} for t in (1, 3)])
    encoder.add("resident", [{"time_ns": 2 * MS, "category": 1, "resident_bytes": 600}])
    encoder.write(tmp_path / "t.mlyze")
    other = TraceEncoder({"process_id": 2})
    other.add("memory", [{"time_ns": 1 * MS, "rss": 70, "tracer_bytes": 20}])
    other.write(tmp_path / "other.mlyze")
    with memlyze.open([tmp_path / "t.mlyze", tmp_path / "other.mlyze"]) as trace:
        rows = trace.sql("SELECT process_id, time_ns, rss, program_rss FROM memory ORDER BY ALL")
        assert rows.fetchall() == [
            (1, 1 * MS, 600, 600),
            (1, 3 * MS, 500, 500),
            (2, 1 * MS, 70, 50),
        ]


def test_snapshot_that_is_written_after_its_tick_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trace_file, "is_being_written", lambda descriptor, metadata: True)
    path = tmp_path / "t.mlyze"
    encoder = TraceEncoder({"process_id": 1})
    encoder.add("memory", [{"time_ns": MS, "rss": 500, "tracer_bytes": 100}])
    encoder.write(path, complete=False)
    greatest = "SELECT max(program_rss) FROM memory"
    with memlyze.open(path) as trace:
        assert trace.sql(greatest).fetchall() == [(400,)]
        encoder.add("resident", [{"time_ns": MS, "category": 1, "resident_bytes": 450}])
        encoder.write(path, complete=False)
        assert trace.go_on()
        assert trace.sql(greatest).fetchall() == [(450,)]


def test_resident_memory_is_explained_where_most_of_a_process_was_seen(tmp_path: Path) -> None:
    paths = [write_known_trace(tmp_path / "a.mlyze"), str(tmp_path / "b.mlyze")]
    other = TraceEncoder({"process_id": 8, "start_time_unix_ns": 10**18})
    row = {"time_ns": 3 * MS, "category": 3, "resident_bytes": 1 << 40}
    own = dict(row, category=11, resident_bytes=1 << 20)
    # The recorder held so much at the end that most is resident then, though not of the program's.
    end = {"time_ns": 4 * MS, "resident_bytes": 1 << 39}
    later = [dict(end, category=3), dict(end, category=11, resident_bytes=1 << 41)]
    other.add("resident", [row, dict(row, category=1, resident_bytes=0), own, *later])
    other.write(paths[1])
    with memlyze.open(paths) as trace:
        first, second = explain_peak(trace, 7), explain_peak(trace, 8)
        assert explain_peak(trace, 9) is None
    assert first is not None and second is not None
    assert (first.time_ns, first.bytes) == (10 * MS, 9000)
    assert [part.category for part in first.parts[:2]] == ["python_objects", "code"]
    assert second.program_parts == (Part("malloc_live", 1 << 40, 0, 1.0),)
    assert (second.time_ns, second.program_bytes, second.tracer_bytes) == (3 * MS, 1 << 40, 1 << 20)


def test_summary_of_a_sampled_trace_has_errors(tmp_path: Path) -> None:
    with memlyze.open(write_known_trace(tmp_path / "t.mlyze", sampled=True)) as trace:
        summary = summarize(trace)
    assert not summary.is_exact
    assert summary.bytes.value == pytest.approx(
        sum(size * weight_of(size) for size in (100, 200, 300, 400, 500, 50))
    )
    assert summary.bytes.error > 0
    assert all(site.has_too_few_samples for site in summary.sites)


def test_summary_of_a_trace_without_an_end_lasts_to_its_last_event(tmp_path: Path) -> None:
    path = tmp_path / "t.mlyze"
    encoder = TraceEncoder({"process_id": 1})
    encoder.add("memory", [{"time_ns": 5 * MS, "rss": 77}])
    encoder.write(path, complete=False)
    with memlyze.open(path) as trace:
        summary = summarize(trace)
    assert (summary.is_complete, summary.duration_ns, summary.sites) == (False, 5 * MS, ())
    assert summary.peak_rss == Peak(77, 5 * MS, 1)


def test_inventory_finds_damage_without_decoding(tmp_path: Path) -> None:
    encoder = known_trace()
    content = bytearray(encoder.to_bytes())
    content[encoder.block_offsets[-1] + 60] ^= 0xFF
    (tmp_path / "t.mlyze").write_bytes(content)
    with memlyze.open(tmp_path / "t.mlyze") as trace:
        (inventory,) = take_inventory(trace)
    assert inventory.file_bytes == len(content)
    assert inventory.tables["events"].rows == 11
    assert len(inventory.damage) == 1
    assert inventory.is_complete
