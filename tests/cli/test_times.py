"""Moments and time ranges as people write them."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator

import pytest
from known_trace import MS, write_known_trace

import memlyze
from memlyze.analyses.selection import END_NS
from memlyze.cli.errors import UsageError
from memlyze.cli.times import moment_ns, parse_duration_ns, recorded_moment_ns, span_ns
from memlyze.query.session import Trace


@pytest.fixture
def trace(tmp_path: Path) -> Iterator[Trace]:
    with memlyze.open(write_known_trace(tmp_path / "t.mlyze")) as opened:
        yield opened


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("250ms", 250 * MS),
        ("1.5s", 1500 * MS),
        (" 2 MIN ", 120_000 * MS),
        ("1h", 3_600_000 * MS),
        ("7", 7000 * MS),
        ("10us", 10_000),
        ("0", 0),
    ],
)
def test_duration(text: str, expected: int) -> None:
    assert parse_duration_ns(text) == expected


@pytest.mark.parametrize("text", ["", "soon", "1.5 parsecs", "-1s", "1e3s", "1..2", "ms"])
def test_what_is_no_duration_is_answered_with_how_to_write_one(text: str) -> None:
    with pytest.raises(UsageError, match="write it as 250ms"):
        parse_duration_ns(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("5ms", 5 * MS), ("50%", 10 * MS), ("start", 0), ("end", END_NS), ("Peak", 12 * MS)],
)
def test_moment(text: str, expected: int, trace: Trace) -> None:
    assert moment_ns(text, trace) == expected


@pytest.mark.parametrize("text", ["101%", "x%", "later", ""])
def test_what_is_no_moment_is_named(text: str, trace: Trace) -> None:
    with pytest.raises(UsageError, match="no moment"):
        moment_ns(text, trace)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1ms..5ms", (MS, 5 * MS)),
        ("50%..", (10 * MS, END_NS)),
        ("..2ms", (0, 2 * MS)),
        ("1.5ms..2.5ms", (1_500_000, 2_500_000)),
    ],
)
def test_time_range(text: str, expected: tuple[int, int], trace: Trace) -> None:
    assert span_ns(text, trace) == expected


def test_time_range_needs_two_dots(trace: Trace) -> None:
    with pytest.raises(UsageError, match=r"1s\.\.1\.5s"):
        span_ns("1s-2s", trace)


def test_moment_after_the_end_is_refused_with_when_that_was(trace: Trace) -> None:
    with pytest.raises(UsageError, match="99h is after the end: it was recorded until 20"):
        recorded_moment_ns("99h", trace)
    assert recorded_moment_ns("20.1ms", trace) == 20_100_000  # as rounded where it is shown
    assert recorded_moment_ns("end", trace) == END_NS
