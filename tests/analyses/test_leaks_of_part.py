"""A part of a recording is judged as if only what was there before had been recorded besides."""

from __future__ import annotations

from pathlib import Path

import pytest
from lives_trace import MS, Life, write_lives

import memlyze
from memlyze.analyses.leak_sites import Leaks
from memlyze.analyses.leaks import leaks

SIZE = 20_000
LOADED = [Life("load", at, None, 50 * SIZE) for at in range(10, 60)]


def judged(path: str, from_ms: int = 0, to_ms: int = 10**9) -> Leaks:
    with memlyze.open(path) as trace:
        whole = leaks(trace)
        found = leaks(trace, from_ns=from_ms * MS, to_ns=to_ms * MS)
        assert leaks(trace) == whole  # the part is forgotten
    return found


def grown(start_ms: int, end_ms: int) -> list[Life]:
    return [Life("site", at, None, SIZE) for at in range(start_ms, end_ms, 4)]


@pytest.mark.parametrize("interval_bytes", [0.0, 64 * 1024.0])
def test_growth_that_ended_is_found_in_the_part_in_which_it_was(
    interval_bytes: float, tmp_path: Path
) -> None:
    work = [(at, at * 1000, at) for at in range(0, 2001, 10)]
    path = write_lives(
        tmp_path / "t.mlyze", grown(20, 1100), work=work, interval_bytes=interval_bytes
    )
    (whole,) = judged(path).sites
    assert whole.verdict == "one_time"
    (site,) = judged(path, to_ms=1100).sites
    assert site.verdict == "growing"
    assert site.judged_until_ns == pytest.approx(1100 * MS, abs=5 * MS)


@pytest.mark.parametrize("interval_bytes", [0.0, 64 * 1024.0])
def test_what_was_there_before_is_live_and_did_not_grow(
    interval_bytes: float, tmp_path: Path
) -> None:
    lives = [life._replace(site="site") for life in LOADED] + grown(20, 2000)
    path = write_lives(tmp_path / "t.mlyze", lives, interval_bytes=interval_bytes)
    (site,) = judged(path, from_ms=1000).sites
    assert site.verdict == "growing"
    (whole,) = judged(path).sites
    assert site.live_bytes.value == pytest.approx(whole.live_bytes.value)
    assert site.growing_since_ns >= 1000 * MS
    made = sum(cohort.allocated for cohort in site.cohorts)
    assert made < 0.6 * sum(cohort.allocated for cohort in whole.cohorts)
    assert site.growth_bytes_per_second.value == pytest.approx(made, rel=0.15)  # in a second


def test_what_takes_the_place_of_what_was_there_before_does_not_grow(tmp_path: Path) -> None:
    """A cache that was full when the part began."""
    lives = [Life("site", at, at + 400 if at < 1600 else None, SIZE) for at in range(20, 2000, 4)]
    path = write_lives(tmp_path / "t.mlyze", lives)
    assert [site.verdict for site in judged(path, from_ms=600).sites] == ["bounded"]


def test_what_was_only_there_before_is_no_site_of_the_part(tmp_path: Path) -> None:
    path = write_lives(tmp_path / "t.mlyze", LOADED + grown(600, 2000))
    assert [site.function for site in judged(path, from_ms=500).sites] == ["site"]
    assert judged(path, from_ms=5000).sites == ()
