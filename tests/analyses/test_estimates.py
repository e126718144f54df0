"""One rule says everywhere how sure a figure is: SQL, Python and the page agree on it."""

from __future__ import annotations

import math
import pathlib
import re
from typing import Any

import pytest
from trace_encoder import EXACT_SAMPLING, Allocation, Run, TraceEncoder

import memlyze
from memlyze.analyses.estimates import FEW_SAMPLES_ERROR, Estimate, Sampling
from memlyze.analyses.hotspots import hotspots
from memlyze.analyses.sampling import sampling_of
from memlyze.analyses.summary import summarize

REPOSITORY = pathlib.Path(__file__).parents[2]
INTERVAL = 512 * 1024
FIRST_ID = 1 << 16


def trace_of(path: pathlib.Path, sizes: list[int], *, rate: float = 0.0) -> Any:
    """A trace of a sampled (or, of rate 1.0, exact) recording that saw these blocks, all live."""
    surcharge = 0.0 if rate >= 1 else -math.log1p(-rate) * INTERVAL
    sampled = {
        "sampling_id": 1,
        "interval_bytes": float(INTERVAL),
        "rate": rate,
        "surcharge_bytes": surcharge,
    }
    metadata = {"process_id": 7, "sample_rate": rate, "sample_interval": INTERVAL}
    trace = TraceEncoder(metadata, samplings=[EXACT_SAMPLING if rate >= 1 else sampled])
    trace.add("threads", [{"thread_id": 1, "os_thread_id": 7}])
    trace.add_runs([Run(1, 1000, FIRST_ID, [Allocation(size) for size in sizes])])
    trace.write(path / "t.mlyze")
    return memlyze.open(str(path / "t.mlyze"))


def test_nothing_seen_is_not_nothing_unless_all_is_recorded(tmp_path: pathlib.Path) -> None:
    with trace_of(tmp_path, []) as trace:
        summary = summarize(trace)
        assert summary.bytes == (0, 3 * INTERVAL)
        assert summary.allocations == (0, pytest.approx(3 * INTERVAL / 48))
        assert summary.bytes.rests_on_few
    with trace_of(tmp_path, [], rate=1.0) as trace:
        assert summarize(trace).bytes == (0, 0)


def test_a_greater_rate_leaves_less_unseen(tmp_path: pathlib.Path) -> None:
    with trace_of(tmp_path, [], rate=0.5) as trace:
        unseen = sampling_of(trace)
    assert unseen.unseen_allocations == pytest.approx(3 / (math.log(2) + 48 / INTERVAL))
    assert unseen.unseen_bytes == pytest.approx((3 - math.log(2)) * INTERVAL)


def test_one_block_that_is_seen_for_certain_is_enough(tmp_path: pathlib.Path) -> None:
    with trace_of(tmp_path, [100 << 20]) as trace:
        row = hotspots(trace).rows[0]
        assert row.samples == 1
        assert not row.has_too_few_samples
        # Of small objects beside it nothing is known.
        assert row.allocations.rests_on_few
        told = trace.sql("SELECT bytes_error, allocations_error, too_few_samples FROM hotspots()")
        assert told.fetchall() == [(row.bytes.error, row.allocations.error, False)]


@pytest.mark.parametrize(("samples", "few"), [(9, True), (10, False)])
def test_small_blocks_need_ten_samples(samples: int, few: bool, tmp_path: pathlib.Path) -> None:
    with trace_of(tmp_path, [64] * samples) as trace:
        assert hotspots(trace).rows[0].has_too_few_samples is few
        told = trace.sql("SELECT too_few_samples FROM live_at(2000)").fetchall()
        assert told == [(few,)]


def test_sql_says_the_same_as_python(tmp_path: pathlib.Path) -> None:
    sampling = Sampling(False, 8.0, 24.0, 5.0, 8.0, 0.0)
    figures = [(0.0, 0.0), (100.0, 0.0), (100.0, 900.0), (100.0, 4000.0), (3.0, -0.1)]
    with trace_of(tmp_path, [], rate=1.0) as trace:
        for value, variance in figures:
            expected = [sampling.of_bytes(value, variance)]
            expected += [sampling.of_allocations(value, variance)]
            row = trace.sql(
                "SELECT e, a, _rests_on_few($value, e), _rests_on_few($value, a) FROM ("
                "SELECT _bytes_error($value, $variance, 24) AS e, "
                "_allocations_error($variance, 5) AS a)",
                {"value": value, "variance": variance},
            ).fetchall()[0]
            assert row == (
                *(pytest.approx(figure.error) for figure in expected),
                *(figure.rests_on_few for figure in expected),
            )


def test_the_page_has_the_same_limit() -> None:
    text = (REPOSITORY / "webui/src/lib/estimates.ts").read_text(encoding="utf-8")
    told = re.search(r"FEW_SAMPLES_ERROR = ([0-9.]+);", text)
    assert told is not None
    assert float(told.group(1)) == FEW_SAMPLES_ERROR
    assert not Estimate(1, FEW_SAMPLES_ERROR).rests_on_few
