"""By default the interval goes by the program's pace: estimates stay right while it changes, and
an interval that was asked for does not. (`tests/native/test_sampling_pace.c` is about the pace.)
"""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lives_trace import Life, write_lives
from programs import Programs
from recorded import Trace
from trace_compare import assert_readers_agree

from memlyze.analyses.leaks import leaks
from memlyze.analyses.sampling import sampling_of
from memlyze.query.session import open_trace
from memlyze.trace.trace_file import TraceFile

DEFAULT: dict[str, Any] = {"sample_rate": 0.0, "references": False}
CLOSEST, WIDEST = 512, 65536
SITES = 40
HEADER_BYTES = 33  # of a bytes object

# Many sites in dense and in slow phases. Some of what they allocate stays.
PHASES = f"""
import mmap, random, sys, threading, time
kept = []
for number in range({SITES}):
    size = (40 + 11 * number) if number % 2 else (600 + 53 * number)
    exec(f'''
def site_{{number}}(count):
    for turn in range(count):
        block = bytes({{size}} + turn % 2)
        if turn % 8 == 0:
            kept.append(block)
''')
sites = [globals()[f"site_{{number}}"] for number in range({SITES})]
def dense(count):
    for site in sites:
        site(count)
def map_and_cut():
    for _ in range(20):
        mapping = mmap.mmap(-1, 1 << 17)
        mapping.resize(1 << 16)
        kept.append(mapping)
    del kept[-10:]
def run(count):
    thread = threading.Thread(target=dense, args=(count,))
    thread.start()
    dense(count)
    thread.join()
    map_and_cut()
for phase in range(2):
    run(1000)
    for turn in range(3 * {SITES}):
        sites[turn % {SITES}](2)
        time.sleep(0.02)
"""
CALLS = 2 * (2 * 1000 + 3 * 2)


def _size_of(number: int) -> float:
    """Of a block of a site, on average."""
    content = 40 + 11 * number if number % 2 else 600 + 53 * number
    return HEADER_BYTES + content + 0.5


@pytest.fixture(scope="module")
def phases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    programs = Programs(tmp_path_factory.mktemp("phases"))
    run = programs.run(PHASES, options=dict(DEFAULT, seed=11))
    assert run.status == 0, run.stderr
    return programs.trace_path


def _intervals_in_force(trace: Trace) -> list[float]:
    """Of each allocation, by the order in time: the interval that its weight follows from."""
    order = np.argsort(trace.columns["time_ns"], kind="stable")
    size, weight = trace.columns["size"][order], trace.columns["weight"][order]
    chosen = (weight > 1.001) & (size > 0)
    return (-size[chosen] / np.log1p(-1 / weight[chosen])).tolist()


def test_totals_lie_within_their_error_bars_while_the_interval_changes(phases: Path) -> None:
    trace = Trace(phases)
    intervals = _intervals_in_force(trace)
    assert round(min(intervals)) == CLOSEST
    assert round(max(intervals)) == WIDEST
    held = 0
    for number in range(SITES):
        rows = trace.allocations(function=f"site_{number}")
        rows = [row for row in rows if abs(row.size - _size_of(number)) <= 0.5]
        truth = _size_of(number) * CALLS
        estimate = sum(row.size * row.weight for row in rows)
        variance = sum(row.size**2 * row.weight * (row.weight - 1) for row in rows)
        held += abs(estimate - truth) <= 1.96 * math.sqrt(variance)
    assert held >= 0.85 * SITES


def test_the_interval_is_close_again_after_a_dense_phase(phases: Path) -> None:
    intervals = [round(interval) for interval in _intervals_in_force(Trace(phases))]
    widest_first = intervals.index(WIDEST)
    assert CLOSEST in intervals[widest_first:]


def test_live_heap_is_that_of_the_blocks_by_their_own_weights(phases: Path) -> None:
    trace = Trace(phases)
    of_heap = (trace.columns["freed_ns"] == -1) & (trace.columns["allocator"] <= 4)
    live = float((trace.columns["size"] * trace.columns["weight"])[of_heap].sum())
    count = float(trace.columns["weight"][of_heap].sum())
    last = trace.memory[-1]
    assert last["heap_live"] == pytest.approx(live, abs=1 + 1e-9 * live)
    assert last["heap_live_count"] == pytest.approx(count, abs=1 + 1e-9 * count)
    assert live > 0


def test_both_readers_agree_on_a_trace_with_several_samplings(phases: Path) -> None:
    assert len(assert_readers_agree(phases).tables["samplings"]) > 2


def test_widest_interval_that_was_in_force_counts_for_what_may_be_unseen(phases: Path) -> None:
    with open_trace(str(phases)) as trace:
        sampling = sampling_of(trace)
    assert (sampling.closest_interval_bytes, sampling.interval_bytes) == (CLOSEST, WIDEST)
    assert sampling.unseen_bytes == pytest.approx(3 * WIDEST)


def test_intervals_that_were_never_in_force_do_not_count(run: Any) -> None:
    done = run("kept = [bytes(100) for _ in range(100)]", options=DEFAULT)
    intervals = [round(interval) for interval in _intervals_in_force(done.trace)]
    assert min(intervals) == CLOSEST
    assert max(intervals) < WIDEST
    assert done.trace.metadata["sample_interval"] == "adaptive"
    with open_trace(str(done.trace_path)) as opened:
        sampling = sampling_of(opened)
    assert sampling.closest_interval_bytes == CLOSEST
    assert max(intervals) <= sampling.interval_bytes < WIDEST


def test_densest_program_ends_at_the_widest_interval(run: Any) -> None:
    source = """
        for _ in range(400_000):
            block = bytes(2000)
        """
    trace = run(source, options=DEFAULT).trace
    blocks = sorted(trace.allocations(2000 + HEADER_BYTES), key=lambda block: block.allocation_id)
    weights = [round(block.weight * (1 - math.exp(-2033 / WIDEST)), 6) for block in blocks[-1000:]]
    assert set(weights) == {1.0}
    assert len(blocks) < 2 * 400_000 * 2033 / WIDEST


@pytest.mark.parametrize(
    ("options", "interval", "rate"),
    [
        ({"sample_interval": 8192}, 8192, 0.0),
        ({"sample_rate": 0.01}, WIDEST, 0.01),
        ({"sample_rate": 0.01, "sample_interval": 100_000}, 100_000, 0.01),
    ],
)
def test_explicit_sampling_does_not_change(
    run: Any, options: dict[str, Any], interval: int, rate: float
) -> None:
    source = """
        for _ in range(200_000):
            block = bytes(200)
        """
    done = run(source, options={**DEFAULT, **options})
    with TraceFile(done.trace_path) as file:
        samplings = file.table("samplings")
    assert samplings["interval_bytes"].tolist() == [interval]
    assert samplings["rate"].tolist() == [rate]
    surcharge = math.ceil(-math.log1p(-rate) * interval)
    probability = 1 - math.exp(-(233 + surcharge) / interval)
    weights = [block.weight for block in done.trace.allocations(233)]
    assert weights == pytest.approx([1 / probability] * len(weights))
    assert done.trace.metadata["sample_interval"] == interval


def test_what_is_carried_into_a_next_part_keeps_its_weight(tmp_path: Path) -> None:
    programs = Programs(tmp_path)
    source = """
        import os, random, sys, time
        number = random.Random(3)
        kept = [bytes(number.randrange(2000)) for _ in range(3000)]
        begun, last = 0, os.stat("trace.mlyze").st_ino
        while begun < 3:
            for _ in range(5000):
                block = [bytes(number.randrange(3000)) for _ in range(10)]
            present = os.stat("trace.mlyze").st_ino
            begun, last = begun + (present != last), present
        """
    options = dict(DEFAULT, max_trace_bytes=1 << 20, seed=5)
    done = programs.run(source, options=options)
    assert done.status == 0, done.stderr
    trace = done.trace
    intervals = {round(interval) for interval in _intervals_in_force(trace)}
    assert CLOSEST in intervals and max(intervals) >= WIDEST
    live = trace.columns["freed_ns"] == -1
    estimate = float((trace.columns["size"] * trace.columns["weight"])[live].sum())
    assert trace.memory[-1]["heap_live"] == pytest.approx(estimate, abs=1 + 1e-9 * estimate)


def test_forked_child_has_an_interval_of_its_own_pace(tmp_path: Path) -> None:
    programs = Programs(tmp_path)
    source = """
        import os
        for _ in range(200_000):
            block = bytes(2000)
        child = os.fork()
        if child == 0:
            kept = [bytes(100) for _ in range(300)]
        else:
            os.waitpid(child, 0)
        """
    done = programs.run(source, options=DEFAULT)
    assert done.status == 0, done.stderr
    (child,) = programs.family()
    intervals = [round(interval) for interval in _intervals_in_force(child)]
    assert min(intervals) == CLOSEST
    assert max(intervals) < WIDEST
    assert WIDEST in {round(interval) for interval in _intervals_in_force(done.trace)}


def _leak(interval_bytes: int, seed: int) -> list[Life]:
    """What is recorded at an interval of a program of 9 seconds that leaks 7 KiB a second."""
    draw = random.Random(seed)
    size = 128
    step_ms = 1000 * size / (7 * 1024)
    lives = []
    for number in range(int(8000 / step_ms)):
        if draw.random() < 1 - math.exp(-size / interval_bytes):
            lives.append(Life("leak", 800 + int(number * step_ms), None, size))
    return lives


@pytest.mark.parametrize("seed", range(5))
def test_slow_leak_is_found_at_the_closest_interval(tmp_path: Path, seed: int) -> None:
    path = write_lives(
        tmp_path / "leak.mlyze", _leak(CLOSEST, seed), end_ms=9000, interval_bytes=CLOSEST
    )
    with open_trace(path) as trace:
        found = leaks(trace)
    assert [(site.function, site.verdict) for site in found.sites] == [("leak", "growing")]
