"""Processes that do the same work are judged as one; others by themselves."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from lives_trace import MS, Life, write_lives

import memlyze
from memlyze.analyses.leak_sites import Leaks
from memlyze.analyses.leaks import leaks

END_MS = 2000
WORKERS = 16


def worker(path: Path, lives: list[Life], number: int, **options: object) -> str:
    """The trace of a worker that the same process forked as the others."""
    given = {"end_ms": END_MS, "started_by": "fork", **options}
    return write_lives(path / f"{number}.mlyze", lives, process_id=number, **given)


def judged(paths: list[str], **options: object) -> Leaks:
    with memlyze.open(paths) as trace:
        return leaks(trace, **options)  # type: ignore[arg-type]


def grown(seed: int, *, every_ms: int = 20, size: int = 20_000) -> list[Life]:
    draw = random.Random(seed)
    return [
        Life("site", at + draw.randrange(every_ms), None, size)
        for at in range(20, END_MS - every_ms, every_ms)
    ]


@pytest.mark.parametrize("site", ["line", "function", "stack"])
def test_what_grows_in_all_workers_is_one_site(site: str, tmp_path: Path) -> None:
    counts = {8: 40, 9: 20, 10: 10}  # the one that has most comes first
    paths = [worker(tmp_path, grown(n, every_ms=every), n) for n, every in counts.items()]
    found = judged(paths, site=site)
    (only,) = found.sites
    assert (only.verdict, only.process_ids, only.process_id) == ("growing", (10, 9, 8), 10)
    assert (only.processes_at_once, only.is_of_successors) == (3, False)
    total = sum(len(grown(n, every_ms=every)) for n, every in counts.items()) * 20_000
    assert only.live_bytes.value == total
    assert only.growth_bytes_per_second.value == pytest.approx(total / (END_MS / 1000), rel=0.1)
    assert judged(paths, site=site, process_id=9).sites == (only,)


def test_what_too_few_samples_of_one_worker_show_all_of_them_do(tmp_path: Path) -> None:
    interval_bytes = 512 * 1024.0
    paths = [
        worker(tmp_path, grown(number, every_ms=380), number, interval_bytes=interval_bytes)
        for number in range(8, 8 + WORKERS)
    ]
    alone = [judged([path]).sites for path in paths]
    assert all(site.verdict != "growing" for sites in alone for site in sites)
    (together,) = judged(paths).sites
    assert together.verdict == "growing"


@pytest.mark.parametrize("interval_bytes", [0.0, 64 * 1024.0])
def test_what_each_worker_builds_when_it_first_needs_it_does_not_grow(
    interval_bytes: float, tmp_path: Path
) -> None:
    paths = []
    for number in range(8, 8 + WORKERS):
        at = 100 + (number - 8) * (END_MS - 200) // WORKERS
        lives = [Life("site", at + step, None, 20_000) for step in range(40)]
        paths.append(worker(tmp_path, lives, number, interval_bytes=interval_bytes))
    (site,) = judged(paths).sites
    assert site.verdict != "growing"


def test_workers_that_are_replaced_leak_at_the_same_age(tmp_path: Path) -> None:
    """Each lives for a part of the time, and begins anew with nothing."""
    paths = [
        worker(tmp_path, grown(n), n, start_time_unix_ns=10**18 + (n - 8) * END_MS * MS)
        for n in range(8, 12)
    ]
    (site,) = judged(paths).sites
    assert (site.verdict, len(site.process_ids)) == ("growing", 4)
    assert (site.processes_at_once, site.is_of_successors) == (1, True)
    # Over the time of all of them.
    assert site.growth_bytes_per_second.value == pytest.approx(1_000_000, rel=0.1)


def test_growth_of_one_worker_is_told_by_the_time_in_which_it_ran(tmp_path: Path) -> None:
    paths = [
        worker(tmp_path, grown(8), 8),
        worker(tmp_path, [Life("other", 10, None, 50_000)], 9, end_ms=6 * END_MS),
    ]
    site = next(site for site in judged(paths).sites if site.function == "site")
    assert site.verdict == "growing"
    assert site.growth_bytes_per_second.value == pytest.approx(1_000_000, rel=0.1)


@pytest.mark.parametrize(("blocks", "verdict"), [(100, "warming_up"), (20, "growing")])
def test_cache_that_was_not_full_when_its_worker_ended_is_one_that_a_sibling_has_filled(
    blocks: int, verdict: str, tmp_path: Path
) -> None:
    """It has more and rests, or has hardly begun."""
    filling = [Life("site", 20 + 20 * number, None, 20_000) for number in range(98)]
    filled = [Life("site", 20 + 34 * number, None, 20_000) for number in range(blocks)]
    paths = [worker(tmp_path, filling, 8), worker(tmp_path, filled, 9, end_ms=3 * END_MS)]
    assert [site.verdict for site in judged(paths).sites] == [verdict]


@pytest.mark.parametrize("slower", [1, 20])
def test_what_jobs_let_go_of_one_after_the_other_has_not_grown(slower: int, tmp_path: Path) -> None:
    """They may last for a moment or for most of a minute, as workers that are replaced do."""
    end_ms = slower * END_MS

    def job(number: int) -> str:
        lives = [
            life._replace(born_ms=slower * life.born_ms, died_ms=end_ms - slower)
            for life in grown(number)
        ]
        start_ns = 10**18 + (number - 8) * end_ms * MS
        return worker(tmp_path, lives, number, start_time_unix_ns=start_ns, end_ms=end_ms)

    (one,) = judged([job(8)]).sites
    assert one.grew_until_freed
    (site,) = judged([job(number) for number in range(8, 16)]).sites
    assert (site.verdict, site.grew_until_freed) == ("freed_late", False)


def test_a_process_with_another_command_line_is_judged_by_itself(tmp_path: Path) -> None:
    built = [Life("site", at, None, 20_000) for at in range(10, 100)]
    paths = [
        worker(tmp_path, grown(8), 8, command_line=("python", "serve.py", "--worker=1")),
        worker(tmp_path, grown(9), 9, command_line=("python", "serve.py", "--worker=2")),
        worker(tmp_path, built, 10, command_line=("python", "beat.py")),
    ]
    assert [(site.process_ids, site.verdict) for site in judged(paths).sites] == [
        ((8, 9), "growing"),
        ((10,), "one_time"),
    ]


def by_itself(path: Path, number: int, start_ms: int, **options: object) -> str:
    """The trace of a process that nothing recorded has started."""
    given = {"started_by": "", "start_time_unix_ns": 10**18 + start_ms * MS, **options}
    return worker(path, grown(number), number, **given)


@pytest.mark.parametrize("end_ms", [END_MS, None])
def test_processes_that_record_themselves_are_one_where_they_ran_at_once(
    end_ms: int | None, tmp_path: Path
) -> None:
    """Also where they were killed, or a part of the time is judged."""
    paths = [by_itself(tmp_path, number, 100 * number, end_ms=end_ms) for number in (8, 9)]
    assert [site.process_ids for site in judged(paths).sites] == [(8, 9)]
    assert [site.process_ids for site in judged(paths, to_ns=1000 * MS).sites] == [(8, 9)]


def test_runs_of_one_command_one_after_the_other_are_judged_by_themselves(tmp_path: Path) -> None:
    paths = [by_itself(tmp_path, n, (n - 8) * (END_MS - 200)) for n in (8, 9)]
    assert sorted(site.process_ids for site in judged(paths).sites) == [(8,), (9,)]
    # Beside a third one that both ran with they are workers of one server, the second replaced.
    paths.append(by_itself(tmp_path, 10, (END_MS - 200) // 2))
    assert [sorted(site.process_ids) for site in judged(paths).sites] == [[8, 9, 10]]


def test_a_process_that_records_itself_is_not_one_with_a_child_of_the_recording(
    tmp_path: Path,
) -> None:
    paths = [by_itself(tmp_path, 8, 0), worker(tmp_path, grown(9), 9)]
    assert sorted(site.process_ids for site in judged(paths).sites) == [(8,), (9,)]
