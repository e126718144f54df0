"""Each kind of site gets its verdict, whether every allocation is recorded or few are."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path
from typing import Callable, Iterable, Mapping

import pytest
from known_trace import write_known_trace
from lives_trace import MS, PROGRAM_FILE, Life, write_lives

import memlyze
from memlyze.analyses.leak_sites import Leaks
from memlyze.analyses.leaks import VERDICTS, leaks
from memlyze.errors import MemlyzeError

END_MS = 2000
SIZE = 20_000


def growing() -> list[Life]:
    return [Life("site", at, None, SIZE) for at in range(20, END_MS, 4)]


def growing_beside_churn() -> list[Life]:
    draw = random.Random(1)
    churn = [Life("site", at, at + 1 + int(draw.expovariate(0.02)), SIZE) for at in range(1900)]
    return growing() + [life for life in churn if life.died_ms and life.died_ms < END_MS]


def growing_late() -> list[Life]:
    return [Life("site", at, None, SIZE) for at in range(1300, END_MS, 2)]


def growing_in_steps() -> list[Life]:
    return [
        Life("site", 20 + step * 200 + n % 5, None, SIZE) for step in range(10) for n in range(60)
    ]


def growing_after_a_large_start() -> list[Life]:
    return [Life("site", 10, None, 100 * SIZE), *growing()]


def backlog() -> list[Life]:
    """A queue that is filled faster than it is emptied: everything goes, ever later."""
    ends = [(at, at + at // 2) for at in range(10, END_MS, 2)]
    return [Life("site", at, died if died < END_MS else None, SIZE) for at, died in ends]


def one_time() -> list[Life]:
    return [Life("site", at, None, SIZE) for at in range(10, 200)]


def fifo_cache() -> list[Life]:
    ends = [(at, at + 400) for at in range(10, END_MS)]
    return [Life("site", at, died if died < END_MS else None, SIZE) for at, died in ends]


def cache_that_fills_at_random() -> list[Life]:
    draw = random.Random(2)
    keys: set[int] = set()
    lives = []
    for at in range(10, END_MS):
        key = draw.randrange(500)
        if key not in keys:
            keys.add(key)
            lives.append(Life("site", at, None, SIZE))
        lives.append(Life("site", at, at + 1, SIZE))
    return lives


def steady_work() -> list[Life]:
    return [Life("site", at, at, SIZE) for at in range(10, END_MS)]


def table_of_keys_that_become_rare() -> list[Life]:
    """Each third of the time brings less than half as much as the one before."""
    kept = [
        Life("site", 10 + third * 660 + n * 660 // count, None, SIZE)
        for third, count in enumerate((120, 40, 19))
        for n in range(count)
    ]
    return kept + steady_work()


def growing_by_a_loop_that_gets_slower() -> list[Life]:
    """As the square root of time, which a search through all that was left behind makes of it."""
    kept = [Life("site", 10 + n * n // 100, None, SIZE) for n in range(440)]
    return kept + steady_work()


def sawtooth() -> list[Life]:
    """What waits for a collector that runs every 300 ms."""
    ends = [(at, (at // 300 + 1) * 300) for at in range(10, END_MS)]
    return [Life("site", at, died if died < END_MS else None, SIZE) for at, died in ends]


def filled_and_hardly_more() -> list[Life]:
    """As the most that were ever there at once: that can only rise, ever more rarely."""
    filled = [Life("site", at, None, 400) for at in range(10, 400, 8)]
    return filled + [Life("site", at, None, 400) for at in range(400, END_MS, 110)]


def freed_at_the_end() -> list[Life]:
    return [Life("site", at, END_MS - 10, SIZE) for at in range(10, END_MS - 20)]


CASES: dict[Callable[[], list[Life]], set[str]] = {
    growing: {"growing"},
    growing_beside_churn: {"growing"},
    growing_late: {"growing"},
    growing_in_steps: {"growing"},
    growing_after_a_large_start: {"growing"},
    backlog: {"growing"},
    one_time: {"one_time"},
    fifo_cache: {"bounded"},
    cache_that_fills_at_random: {"one_time", "bounded", "warming_up"},
    table_of_keys_that_become_rare: {"warming_up"},
    filled_and_hardly_more: {"warming_up"},
    growing_by_a_loop_that_gets_slower: {"growing"},
    sawtooth: {"sawtooth"},
    freed_at_the_end: {"freed_late"},
}


def judged(path: str, **options: object) -> Leaks:
    with memlyze.open(path) as trace:
        return leaks(trace, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.__name__))
def test_verdict_from_every_allocation(case: Callable[[], list[Life]], tmp_path: Path) -> None:
    found = judged(write_lives(tmp_path / "t.mlyze", case(), end_ms=END_MS))
    (site,) = found.sites
    assert site.verdict in CASES[case]
    assert (site.function, site.file) == ("site", PROGRAM_FILE)


def test_error_of_growth_is_that_of_what_stays_however_much_comes_and_goes(
    tmp_path: Path,
) -> None:
    """By many samplings of the same lives: the interval holds the truth, and is not too wide."""
    interval, size = 10_000, 1_000
    lives = [Life("site", at, None, size) for at in range(20, END_MS, 4)]
    lives += [Life("site", at, at + 100, size) for at in range(20, END_MS - 100) for _ in range(8)]
    truth = 250 * size
    found = []
    for seed in range(40):
        draw = random.Random(seed)
        kept = [life for life in lives if draw.random() < 1 - math.exp(-size / interval)]
        path = write_lives(tmp_path / f"{seed}.mlyze", kept, end_ms=END_MS, interval_bytes=interval)
        sites = judged(path).sites
        found += [site.growth_bytes_per_second for site in sites]
    assert len(found) == 40
    held = sum(abs(growth.value - truth) <= growth.error for growth in found)
    assert held >= 33
    scatter = math.sqrt(sum((growth.value - truth) ** 2 for growth in found) / len(found))
    shown = sum(growth.error for growth in found) / len(found)
    assert 0.6 * shown <= 1.96 * scatter <= 1.6 * shown


def test_figures_of_steady_growth(tmp_path: Path) -> None:
    windows = [(at, "GET /item", at) for at in range(20, END_MS, 4)]
    lives = [life._replace(window_id=life.born_ms) for life in growing()]
    path = write_lives(tmp_path / "t.mlyze", lives, end_ms=END_MS, windows=windows)
    found = judged(path)
    (site,) = found.sites
    assert site.live_bytes == site.peak_bytes == (len(lives) * SIZE, 0)
    assert site.growth_bytes_per_second.value == pytest.approx(250 * SIZE, rel=0.05)
    assert site.growth_bytes_per_second.error == 0
    assert (site.window_name, site.growth_bytes_per_window) == ("GET /item", (SIZE, 0))
    assert site.first_ns == 20 * MS
    assert site.survival == 1
    assert sum(cohort.allocated for cohort in site.cohorts) == len(lives) * SIZE
    assert all(cohort.allocated == cohort.surviving for cohort in site.cohorts)
    assert site.p_value < 1e-6
    assert site.confidence > 0.95
    assert list(site.curve) == sorted(site.curve)
    assert [frame.function for frame in site.stack] == ["site"]
    assert found.growth_bytes_per_second == site.growth_bytes_per_second


def test_cohorts_say_how_much_of_each_age_survives(tmp_path: Path) -> None:
    (site,) = judged(write_lives(tmp_path / "t.mlyze", fifo_cache(), end_ms=END_MS)).sites
    shares = [cohort.surviving / cohort.allocated for cohort in site.cohorts]
    assert shares[:9] == [0] * 9
    assert shares[-2:] == [1, 1]


def test_sites_are_lines_functions_or_stacks(tmp_path: Path) -> None:
    path = write_lives(tmp_path / "t.mlyze", growing(), end_ms=END_MS)
    lines = {kind: judged(path, site=kind).sites[0] for kind in ("line", "function", "stack")}
    assert {site.verdict for site in lines.values()} == {"growing"}
    assert (lines["line"].line, lines["function"].line) == (10, 0)
    with pytest.raises(MemlyzeError, match="there is no site 'file'"):
        judged(path, site="file")


@pytest.mark.parametrize("kind", ["line", "function", "stack"])
def test_sql_says_of_each_site_what_the_analysis_says(kind: str, tmp_path: Path) -> None:
    lives = [life._replace(site="slow") for life in growing()]
    lives += [life._replace(site="fast", size=2 * SIZE) for life in growing()]
    lives += [life._replace(site="gone") for life in freed_at_the_end()]
    lives += [life._replace(site="worked") for life in steady_work()]
    lives += [
        life._replace(site=f"cache {n}", size=n * 900) for n in (2, 1) for life in fifo_cache()
    ]
    path = write_lives(tmp_path / "t.mlyze", lives, end_ms=END_MS, interval_bytes=4096)
    names = (
        "function, file, line, verdict, live_bytes, live_bytes_error, peak_bytes, "
        "peak_bytes_error, growth_bytes_per_second, growth_bytes_per_window, window_name, "
        "survival, samples"
    )
    with memlyze.open(path) as trace:
        found = leaks(trace, site=kind).sites
        rows = trace.sql(f"SELECT {names} FROM leaks(site := '{kind}')").fetchall()
    assert len(rows) >= 5
    assert {row[3] for row in rows} >= {"growing", "bounded", "freed_late"}
    assert rows == [
        (
            *(site.function, site.file, site.line, site.verdict),
            *(site.live_bytes.value, site.live_bytes.error),
            *(site.peak_bytes.value, site.peak_bytes.error),
            *(site.growth_bytes_per_second.value, None, None, site.survival, site.samples),
        )
        for site in found
    ]
    # Where nothing is seen to be live, there may be as much as sampling can miss.
    assert next(site for site in found if site.function == "gone").live_bytes.error > 4096


def test_two_leaks_are_found_beside_a_cache_and_the_faster_comes_first(tmp_path: Path) -> None:
    lives = [life._replace(site="cache") for life in fifo_cache()]
    lives += [life._replace(site="slow") for life in growing()]
    lives += [life._replace(site="fast", size=2 * SIZE) for life in growing()]
    found = judged(write_lives(tmp_path / "t.mlyze", lives, end_ms=END_MS))
    assert [(site.function, site.verdict) for site in found.sites] == [
        ("fast", "growing"),
        ("slow", "growing"),
        ("cache", "bounded"),
    ]
    assert found.judged["growing"] == 2


def test_what_a_window_leaves_of_a_sampled_site_has_an_error(tmp_path: Path) -> None:
    """All that stays is from these windows: it is as sure as what is live."""
    windows = [(at, "GET /item", at) for at in range(20, END_MS, 4)]
    lives = [life._replace(window_id=life.born_ms) for life in growing()]
    path = write_lives(
        tmp_path / "t.mlyze", lives, end_ms=END_MS, windows=windows, interval_bytes=512 * 1024
    )
    (site,) = judged(path).sites
    left, live = site.growth_bytes_per_window, site.live_bytes
    assert left is not None
    assert left.value == pytest.approx(live.value / len(windows))
    assert left.error == pytest.approx(live.error / len(windows))
    assert left.error > 0


def test_peak_is_as_sure_as_what_was_live_at_it(tmp_path: Path) -> None:
    lives = [life for life in freed_at_the_end() if life.born_ms < 1000]
    path = write_lives(tmp_path / "t.mlyze", lives, end_ms=END_MS, interval_bytes=512 * 1024)
    still_live = [life._replace(died_ms=None) for life in lives]
    other = write_lives(tmp_path / "u.mlyze", still_live, end_ms=END_MS, interval_bytes=512 * 1024)
    (site,), (kept,) = judged(path).sites, judged(other).sites
    assert site.live_bytes.value < 0.5
    assert site.peak_bytes == pytest.approx(kept.live_bytes)
    assert kept.live_bytes.error > 0


def test_few_samples_are_said_to_be_few(tmp_path: Path) -> None:
    lives = [Life("site", at, None, 400) for at in (100, 900, 1700)]
    path = write_lives(tmp_path / "t.mlyze", lives, end_ms=END_MS, interval_bytes=512 * 1024)
    (site,) = judged(path).sites
    assert (site.verdict, site.confidence) == ("too_few_samples", 0)
    assert site.live_bytes.error > 0


def test_a_trace_that_was_cut_off_is_judged_up_to_its_end(tmp_path: Path) -> None:
    (site,) = judged(write_lives(tmp_path / "t.mlyze", growing(), end_ms=None)).sites
    assert site.verdict == "growing"


def test_what_is_too_little_is_not_judged(tmp_path: Path) -> None:
    for path in (
        write_known_trace(tmp_path / "small.mlyze"),
        write_lives(tmp_path / "empty.mlyze", []),
        write_lives(tmp_path / "cut.mlyze", [], end_ms=None),
    ):
        found = judged(path)
        assert found.sites == ()
        assert found.judged == dict.fromkeys(VERDICTS, 0)


def test_processes_that_do_other_work_are_judged_by_themselves(tmp_path: Path) -> None:
    paths = [
        write_lives(tmp_path / "a.mlyze", growing(), end_ms=END_MS),
        write_lives(
            tmp_path / "b.mlyze", one_time(), end_ms=END_MS, process_id=8, command_line=["beat"]
        ),
    ]
    with memlyze.open(paths) as trace:
        found = leaks(trace)
        (other,) = leaks(trace, process_id=8).sites
    assert [(site.process_id, site.verdict) for site in found.sites] == [
        (7, "growing"),
        (8, "one_time"),
    ]
    assert other.verdict == "one_time"


def test_a_pause_of_the_whole_program_is_not_the_end_of_a_leak(tmp_path: Path) -> None:
    before = [life for life in growing() if life.born_ms < 900]
    after = [life._replace(born_ms=life.born_ms + 700) for life in growing()]
    lives = before + [life for life in after if 1600 <= life.born_ms < 1750]
    (site,) = judged(write_lives(tmp_path / "t.mlyze", lives, end_ms=END_MS)).sites
    assert site.verdict == "growing"


def grown_until_1100() -> list[Life]:
    return [life for life in growing() if life.born_ms < 1100]


@pytest.mark.parametrize("counter", ["CPU time", "waits"])
def test_a_program_that_works_on_without_allocating_has_stopped_leaking(
    counter: str, tmp_path: Path
) -> None:
    work = [
        (at, at * 20 if counter == "CPU time" else 0, at // 5 if counter == "waits" else 0)
        for at in range(0, END_MS + 1, 10)
    ]
    path = write_lives(tmp_path / "t.mlyze", grown_until_1100(), end_ms=END_MS, work=work)
    (site,) = judged(path).sites
    assert site.verdict == "one_time"


def test_a_program_that_waits_after_it_leaked_goes_on_leaking_for_all_that_is_known(
    tmp_path: Path,
) -> None:
    lives = [life for life in growing() if life.born_ms < 1400]
    work = [(at, min(at, 1400) * 20, min(at, 1400) // 5) for at in range(0, END_MS + 1, 10)]
    path = write_lives(tmp_path / "t.mlyze", lives, end_ms=END_MS, work=work)
    (site,) = judged(path).sites
    assert site.verdict == "growing"
    assert site.last_growth_ns == pytest.approx(1400 * MS, abs=20 * MS)


def test_looking_for_work_now_and_then_is_not_work_for_a_program_that_computes(
    tmp_path: Path,
) -> None:
    """As a server does, whose loop goes round ten times a second when there are no requests."""
    lives = [life for life in growing() if life.born_ms < 1400]
    work = [(at, min(at, 1400) * 1000, 5 + at // 100) for at in range(0, END_MS + 1, 10)]
    path = write_lives(tmp_path / "t.mlyze", lives, end_ms=END_MS, work=work)
    (site,) = judged(path).sites
    assert site.verdict == "growing"


@pytest.mark.parametrize(
    ("kind", "last_ms", "verdict"),
    [
        ("http", 480, "growing"),
        ("window", 480, "growing"),
        ("http", 200, "one_time"),
        ("call", 480, "one_time"),
    ],
)
@pytest.mark.parametrize("interval_bytes", [0.0, 64 * 1024.0])
def test_what_each_request_leaves_grows_however_long_the_server_is_idle_afterwards(
    kind: str, last_ms: int, verdict: str, interval_bytes: float, tmp_path: Path
) -> None:
    """What ends before the requests do has ended; calls may have been what loaded the data."""
    end_ms = 20 * END_MS
    windows = [(at, "/item", at) for at in range(20, 500)]
    lives = [Life("site", at, None, SIZE, window_id=at) for at in range(20, last_ms)]
    path = write_lives(
        tmp_path / "t.mlyze",
        lives,
        end_ms=end_ms,
        windows=windows,
        window_kind=kind,
        interval_bytes=interval_bytes,
    )
    (site,) = judged(path).sites
    assert site.verdict == verdict
    if verdict == "growing":
        # It is said of the time in which there were requests.
        if not interval_bytes:
            assert site.growth_bytes_per_second.value == pytest.approx(1000 * SIZE, rel=0.05)
        assert site.judged_until_ns == pytest.approx(500 * MS, abs=5 * MS)


def test_a_cache_that_requests_fill_and_empty_is_bounded_when_the_server_is_idle_afterwards(
    tmp_path: Path,
) -> None:
    windows = [(at, "/item", at) for at in range(20, 500)]
    ends = [(at, at + 60) for at in range(20, 500)]
    lives = [
        Life("site", at, died if died < 500 else None, SIZE, window_id=at) for at, died in ends
    ]
    (site,) = judged(
        write_lives(
            tmp_path / "t.mlyze", lives, end_ms=20 * END_MS, windows=windows, window_kind="http"
        )
    ).sites
    assert site.verdict != "growing"


@pytest.mark.parametrize("interval_bytes", [0.0, 16 * 1024.0])
def test_what_is_dropped_after_a_while_is_bounded_though_ever_more_of_it_comes(
    interval_bytes: float, tmp_path: Path
) -> None:
    births = [round(END_MS * math.sqrt(part / 1000)) for part in range(1, 1000)]
    ends = [(at, at + 300 if at + 300 < END_MS else None) for at in births]
    lives = [Life("site", at, died, SIZE) for at, died in ends]
    path = write_lives(tmp_path / "t.mlyze", lives, end_ms=END_MS, interval_bytes=interval_bytes)
    (site,) = judged(path).sites
    assert site.verdict == "bounded"


@pytest.mark.parametrize("interval_bytes", [0.0, 16 * 1024.0])
def test_a_queue_whose_consumer_falls_behind_grows_though_its_oldest_go_first(
    interval_bytes: float, tmp_path: Path
) -> None:
    ends = [(at, at * 2 if at * 2 < END_MS else None) for at in range(10, END_MS, 2)]
    lives = [Life("site", at, died, SIZE) for at, died in ends]
    path = write_lives(tmp_path / "t.mlyze", lives, end_ms=END_MS, interval_bytes=interval_bytes)
    (site,) = judged(path).sites
    assert site.verdict == "growing"


def test_growth_that_ended_is_not_called_growing_where_nothing_tells_what_followed(
    tmp_path: Path,
) -> None:
    lives = grown_until_1100()
    (site,) = judged(write_lives(tmp_path / "t.mlyze", lives, end_ms=END_MS)).sites
    assert site.verdict == "warming_up"


def test_stack_of_what_was_freed_at_the_end_is_that_of_what_stayed_until_then(
    tmp_path: Path,
) -> None:
    """More of the site came from elsewhere, and went soon."""
    lives = [Life("work:10", at, END_MS - 10, SIZE) for at in range(10, END_MS - 20)]
    lives += [Life("work:20", at, at + 20, 50 * SIZE) for at in range(10, END_MS - 100, 10)]
    path = write_lives(tmp_path / "t.mlyze", lives, end_ms=END_MS)
    (site,) = judged(path, site="function").suspects()
    assert site.grew_until_freed
    assert site.stack[0].line == 10


@pytest.mark.parametrize("times", [50, 200])
def test_what_came_at_once_does_not_hide_what_comes_each_time(times: int, tmp_path: Path) -> None:
    """As of a line that has something compiled at its first call."""
    lives = [Life("work:20", at, None, 1000) for at in range(20, END_MS, 5)]
    lives += [Life("work:10", at, None, 10 * SIZE) for at in range(20, 20 + times)]
    path = write_lives(tmp_path / "t.mlyze", lives, end_ms=END_MS)
    (site,) = judged(path, site="function").having("growing")
    assert site.live_bytes.value == sum(life.size for life in lives)


def test_lines_that_are_too_small_each_are_found_where_they_grow_together(tmp_path: Path) -> None:
    lives = [Life(f"handler_{at % 30}", at * 5, None, 1000) for at in range(END_MS // 5)]
    (site,) = judged(write_lives(tmp_path / "t.mlyze", lives, end_ms=END_MS)).having("growing")
    assert (site.function, site.file, site.line) == ("<several functions>", PROGRAM_FILE, 0)
    assert site.live_bytes.value == 1000 * len(lives)
    with memlyze.open(tmp_path / "t.mlyze") as trace:
        ((stack_ids,),) = trace.sql(
            "SELECT stack_ids FROM leaks() WHERE verdict = 'growing'"
        ).fetchall()
    assert len(json.loads(stack_ids)) == 30


def test_lines_of_too_few_samples_for_any_test_are_found_where_they_grow_together(
    tmp_path: Path,
) -> None:
    lives = [Life(f"handler_{at % 4}", 20 + at * 80, None, 1000) for at in range(24)]
    path = write_lives(tmp_path / "t.mlyze", lives, end_ms=END_MS, interval_bytes=16_384)
    (site,) = judged(path).sites  # its lines are not told once more, each by itself
    assert (site.verdict, site.function) == ("growing", "<several functions>")
    assert site.live_samples == 24


def in_files(times_ms: Mapping[int, Iterable[int]], *, held_by: str = "SEEN") -> list[Life]:
    """One sample at each time in milliseconds, by number of the file, all in one container."""
    return [
        Life(f"part_{number}", at, None, 1000, file=f"/srv/app/part_{number}.py", held_by=held_by)
        for number, times in times_ms.items()
        for at in times
    ]


def test_lines_of_several_files_are_found_where_one_container_holds_what_they_leave(
    tmp_path: Path,
) -> None:
    lives = in_files({number: range(20 + number * 60, END_MS, 480) for number in range(8)})
    path = write_lives(tmp_path / "t.mlyze", lives, end_ms=END_MS, interval_bytes=16_384)
    (site,) = judged(path).sites
    assert (site.verdict, site.function) == ("growing", "<several functions>")
    assert (site.file, site.line) == ("<several files>", 0)
    assert site.live_samples == len(lives)
    assert site.holders is not None and site.holders.holder is not None
    assert site.holders.holder.text.startswith("app.SEEN → list")


def test_what_was_built_once_is_not_shown_as_a_part_of_what_grows_together(tmp_path: Path) -> None:
    lives = [Life(f"handler_{at % 30}", at * 5, None, 1000) for at in range(END_MS // 5)]
    lives += [Life(f"load_{at}", at, None, 15_000) for at in range(5, 45)]
    (site,) = judged(write_lives(tmp_path / "t.mlyze", lives, end_ms=END_MS)).having("growing")
    assert site.function == "<several functions>"
    assert site.live_bytes.value == 1000 * END_MS // 5
    assert site.stack[0].function.startswith("handler_")


def test_sites_of_which_one_object_holds_what_they_leave_are_one_leak(tmp_path: Path) -> None:
    """The others, however fast they grow, are others; sites that nothing holds, too."""
    rates = {
        ("slow", "SEEN"): 40,
        ("fast", "SEEN"): 20,
        ("other", "OTHER"): 15,
        ("lost", ""): 30,
        ("gone", ""): 50,
    }
    lives = [
        Life(name, at, None, SIZE, held_by=held_by)
        for (name, held_by), every in rates.items()
        for at in range(10, END_MS, every)
    ]
    found = judged(write_lives(tmp_path / "t.mlyze", lives, end_ms=END_MS))
    growing = found.having("growing")
    assert [site.function for site in growing] == ["fast", "slow", "other", "lost", "gone"]
    assert [site.leak for site in growing] == [1, 1, 2, 3, 4]
    assert found.growing_leaks == 4
    by_leak = [[site.function for site in leak] for leak in found.suspects_by_leak()]
    assert by_leak == [["fast", "slow"], ["other"], ["lost"], ["gone"]]


def test_of_so_many_leaks_so_many_sites_are_returned(tmp_path: Path) -> None:
    lives = [
        Life(f"{held_by}_{part}", at, None, SIZE, held_by=held_by)
        for held_by, every in (("A", 10), ("B", 20), ("C", 40))
        for part in range(3)
        for at in range(10 + part, END_MS, every)
    ]
    path = write_lives(tmp_path / "t.mlyze", lives, end_ms=END_MS)
    found = judged(path, count=2)
    assert [site.leak for site in found.having("growing")] == [1, 1, 2, 2]
    assert (found.judged["growing"], found.growing_leaks) == (9, 3)
    assert [(leak.leak, leak.sites) for leak in found.leaks] == [(1, 3), (2, 3), (3, 3)]
    assert found.leaks[0].live_bytes.value == sum(life.size for life in lives if "A" in life.site)


@pytest.mark.parametrize(("size", "sites"), [(4000, 1), (500, 2)])
def test_the_rest_of_what_a_container_has_is_told_with_the_line_that_left_most_of_it(
    size: int, sites: int, tmp_path: Path
) -> None:
    lives = in_files({number: range(20 + number * 60, END_MS, 480) for number in range(8)})
    lives += [Life("keep", at, None, size, held_by="SEEN") for at in range(20, END_MS, 60)]
    path = write_lives(tmp_path / "t.mlyze", lives, end_ms=END_MS, interval_bytes=16_384)
    growing = judged(path).having("growing")
    assert len(growing) == sites
    assert "keep" in {site.function for site in growing}


@pytest.mark.parametrize("container_of", [lambda number: f"SEEN_{number}", lambda number: ""])
def test_lines_of_several_files_do_not_grow_together_where_no_container_holds_them(
    container_of: Callable[[int], str], tmp_path: Path
) -> None:
    lives = [Life("other", 10, None, 1000, held_by="OTHER")]
    for number in range(8):
        times = {number: range(20 + number * 60, END_MS, 480)}
        lives += in_files(times, held_by=container_of(number))
    path = write_lives(tmp_path / "t.mlyze", lives, end_ms=END_MS, interval_bytes=16_384)
    assert not judged(path).having("growing")


def test_functions_of_one_file_are_found_where_one_container_holds_what_they_leave(
    tmp_path: Path,
) -> None:
    """One of them has enough to be judged, and more of it stays from the beginning."""
    lives = [Life("load", 5, None, 1000, held_by="TABLE") for _ in range(40)]
    parts = {
        "keep": (100, 350, 600, 850, 1100, 1250),  # and nothing in the last third
        "part_1": (700, 1500),
        "part_2": (1000, 1800),
        "part_3": (1900,),
    }
    for site, times in parts.items():
        lives += [Life(site, at, None, 1000, held_by="SEEN") for at in times]
    path = write_lives(tmp_path / "t.mlyze", lives, end_ms=END_MS, interval_bytes=16_384)
    (site,) = judged(path).having("growing")
    assert (site.function, site.file) == ("<several functions>", PROGRAM_FILE)
    assert site.holders is not None and site.holders.holder is not None
    assert site.holders.holder.text.startswith("app.SEEN → list")


def test_what_was_freed_of_other_functions_counts_where_survivors_seem_to_grow(
    tmp_path: Path,
) -> None:
    """A table whose entries are replaced, each part made by a line of its own that seldom is seen:
    those of which something is left at the end are not all.
    """
    lives = [
        Life(f"part_{at}", at, at + 400 if at + 400 < END_MS else None, 1000, held_by="TABLE")
        for at in range(10, END_MS, 40)
    ]
    path = write_lives(tmp_path / "t.mlyze", lives, end_ms=END_MS, interval_bytes=16_384)
    assert not judged(path).having("growing")


def test_a_function_is_not_judged_again_as_what_a_container_has(tmp_path: Path) -> None:
    """Six samples are enough for one look, and not for two."""
    times = enumerate(range(200, END_MS, 300))
    lives = [Life(f"keep:{10 + n % 2}", at, None, 1000, held_by="SEEN") for n, at in times]
    path = write_lives(tmp_path / "t.mlyze", lives, end_ms=END_MS, interval_bytes=16_384)
    assert len(lives) == 6
    assert not judged(path).having("growing")


@pytest.mark.parametrize(
    ("site", "file", "turns"),
    [
        ("load", "/srv/app/part_{phase}.py", 4),
        ("load_{turn}", "/srv/app/part_{phase}.py", 4),  # each function seen once
        ("load_{phase}", PROGRAM_FILE, 12),  # each has enough to be judged
    ],
)
def test_what_fills_a_container_one_after_the_other_does_not_grow_together(
    site: str, file: str, turns: int, tmp_path: Path
) -> None:
    """As where a program loads one thing after the other."""
    lives = [
        Life(
            site.format(phase=phase, turn=turn),
            20 + phase * 197 + turn * 197 // turns,
            None,
            1000,
            file=file.format(phase=phase),
            held_by="TABLE",
        )
        for phase in range(10)
        for turn in range(turns)
    ]
    path = write_lives(tmp_path / "t.mlyze", lives, end_ms=END_MS, interval_bytes=16_384)
    growing = judged(path).having("growing")
    assert "<several functions>" not in {site.function for site in growing}


def test_small_lines_that_were_built_once_do_not_grow_together(tmp_path: Path) -> None:
    lives = [Life(f"loader_{at % 30}", 10 + at, None, 1000) for at in range(400)]
    found = judged(write_lives(tmp_path / "t.mlyze", lives, end_ms=END_MS))
    assert not found.having("growing")


def test_growth_that_is_freed_at_the_end_is_told_as_such(tmp_path: Path) -> None:
    """As what a local of main() holds. It grows to no end, but no site is called growing."""
    lives = [*freed_at_the_end(), *(Life("load", at, END_MS - 10, SIZE) for at in range(10, 300))]
    found = judged(write_lives(tmp_path / "t.mlyze", lives, end_ms=END_MS))
    grew, loaded = found.having("freed_late")
    assert (grew.function, grew.grew_until_freed) == ("site", True)
    assert (loaded.function, loaded.grew_until_freed) == ("load", False)
    assert grew.growth_bytes_per_second.value == pytest.approx(1000 * SIZE, rel=0.05)
    assert grew.p_value < 1e-6
    assert grew.confidence > 0.95
    assert found.judged["growing"] == 0
    assert found.grew_until_freed.sites == 1
    assert found.grew_until_freed.peak_bytes == grew.peak_bytes
    assert found.grew_until_freed.last_freed_ns == pytest.approx((END_MS - 10) * MS, rel=0.01)
    assert found.suspects() == (grew,)


def test_growth_whose_many_blocks_take_a_while_to_free_is_told(tmp_path: Path) -> None:
    births = range(10, END_MS - 100)
    lives = [Life("site", at, END_MS - 90 + at * 80 // END_MS, SIZE) for at in births]
    # Meanwhile the program works on.
    lives += [Life("other", at, at + 1, SIZE) for at in range(10, END_MS - 1)]
    found = judged(write_lives(tmp_path / "t.mlyze", lives, end_ms=END_MS))
    (site,) = (site for site in found.sites if site.function == "site")
    assert (site.verdict, site.grew_until_freed) == ("freed_late", True)
    assert site.judged_until_ns == pytest.approx((END_MS - 95) * MS, rel=0.01)


def test_phase_that_lets_go_of_its_memory_did_not_leak(tmp_path: Path) -> None:
    lives = [Life("phase", at, END_MS // 2, SIZE) for at in range(10, END_MS // 2 - 20)]
    lives += [Life("other", at, at + 1, SIZE) for at in range(10, END_MS)]
    found = judged(write_lives(tmp_path / "t.mlyze", lives, end_ms=END_MS))
    (site,) = (site for site in found.sites if site.function == "phase")
    assert site.verdict == "freed_late"
    assert not site.grew_until_freed
    assert found.grew_until_freed.sites == 0
    assert found.grew_until_freed.first_freed_ns is None


def test_buffer_that_is_copied_to_grow_is_a_leak_though_samples_miss_it(tmp_path: Path) -> None:
    """One block in place of another: at times none of them is in the sample."""
    ends = [(at, at + 1) for at in range(10, END_MS)]
    lives = [
        Life("site", at, died if died < END_MS else None, 40_000 + 100 * at) for at, died in ends
    ]
    for interval_bytes in (64 * 1024, None):
        sampled = {} if interval_bytes is None else {"interval_bytes": interval_bytes}
        path = write_lives(tmp_path / f"{interval_bytes}.mlyze", lives, end_ms=END_MS, **sampled)
        (site,) = judged(path).sites
        assert site.verdict == "growing"


@pytest.mark.parametrize("count", [3, 6, 12])
def test_buffers_that_are_replaced_by_greater_ones_are_a_leak_though_a_crumb_stays(
    count: int, tmp_path: Path
) -> None:
    """Several at once, each young whenever one looks; what stays says nothing of them."""
    every_ms = 8
    lives = [Life("site", 15, None, 64)]
    for number in range(count):
        for born in range(20 + number % every_ms, END_MS - 1, every_ms):
            died = min(born + every_ms, END_MS - 1)
            lives.append(Life("site", born, died, 2_000 + 60 * born))
    (site,) = judged(write_lives(tmp_path / "t.mlyze", lives, end_ms=END_MS)).sites
    assert site.verdict == "growing" or site.grew_until_freed


def test_buffer_that_keeps_its_size_is_no_leak_though_samples_miss_it(tmp_path: Path) -> None:
    draw = random.Random(3)
    ends = [(at, at + 1) for at in range(10, END_MS)]
    lives = [
        Life("site", at, died if died < END_MS else None, 100_000 + draw.randrange(100_000))
        for at, died in ends
    ]
    path = write_lives(tmp_path / "t.mlyze", lives, end_ms=END_MS, interval_bytes=64 * 1024)
    assert not judged(path).having("growing")


def test_that_few_samples_were_freed_is_no_sign_of_a_bounded_cache(tmp_path: Path) -> None:
    kept = [Life("site", at, None, SIZE) for at in (300, 900, 1500, 1900)]
    freed = [Life("site", at, at + 60, SIZE) for at in range(150, 1800, 150)]
    for few_or_many, verdicts in ((freed[::4], {"warming_up"}), (freed, {"bounded"})):
        lives = kept + few_or_many
        path = write_lives(tmp_path / "t.mlyze", lives, end_ms=END_MS, interval_bytes=1000)
        (site,) = judged(path).sites
        assert site.verdict in verdicts


def test_growth_of_which_the_last_third_hardly_has_a_sample_is_not_said_to_go_on(
    tmp_path: Path,
) -> None:
    fills = [Life("cache", at, None, SIZE) for at in range(20, 600, 20)]
    rarely = [Life("cache", at, None, SIZE) for at in range(850, END_MS, 250)]
    goes_on = [Life("work", at, at + 1, SIZE) for at in range(20, END_MS - 1)]
    path = write_lives(
        tmp_path / "t.mlyze", fills + rarely + goes_on, end_ms=END_MS, interval_bytes=64 * 1024.0
    )
    verdicts = {site.function: site.verdict for site in judged(path).sites}
    assert verdicts["cache"] == "warming_up"


def test_what_came_at_once_is_not_enough_to_call_a_trickle_growing(tmp_path: Path) -> None:
    trickle = [Life("site", at, None, 100) for at in range(150, END_MS, 40)]
    at_once = [Life("site", 100, None, 20_000)]
    path = write_lives(tmp_path / "t.mlyze", at_once + trickle, end_ms=END_MS)
    assert [site.verdict for site in judged(path).sites] == ["warming_up"]


@pytest.mark.parametrize("interval_bytes", [0, 16_384])
def test_leak_is_found_in_what_passes_through_the_line(interval_bytes: int, tmp_path: Path) -> None:
    """Each task frees what it makes when it is done, but every fourth keeps a part of it."""
    starts = range(10, END_MS - 50, 40)
    passing = [Life("site", at, at + 38, SIZE) for at in starts for _ in range(20)]
    kept = [Life("site", at + 5, None, SIZE) for at in starts[::4] for _ in range(2)]
    lives = passing + kept
    path = write_lives(tmp_path / "t.mlyze", lives, end_ms=END_MS, interval_bytes=interval_bytes)
    (site,) = judged(path).sites
    assert site.verdict == "growing"
    assert site.live_bytes.value == pytest.approx(len(kept) * SIZE, rel=0.5)
    seconds = (starts[-1] - starts[0]) / 1000
    assert site.growth_bytes_per_second.value == pytest.approx(
        site.live_bytes.value / seconds, rel=0.25
    )
    # What passed through was there all the same.
    assert site.peak_bytes.value > 1.5 * site.live_bytes.value


def test_steps_near_the_end_are_no_growth(tmp_path: Path) -> None:
    work = [Life("work", at, at, SIZE) for at in range(10, END_MS)]
    begin = [Life("site", at, None, SIZE) for at in (20, 200, 400, 600, 800, 1000)]
    end = [Life("site", at, None, 70 * SIZE) for at in (1700, 1850)]
    path = write_lives(
        tmp_path / "t.mlyze", [*work, *begin, *end], end_ms=END_MS, interval_bytes=16_384
    )
    (site,) = (site for site in judged(path).sites if site.function == "site")
    assert site.verdict == "warming_up"


def test_array_that_is_copied_to_grow_is_not_counted_twice(tmp_path: Path) -> None:
    """The old one and the new one are both there for a moment, also when the last is let go."""
    starts = range(10, END_MS - 50, 20)
    lives = [Life("site", at, at + 44, (2 * END_MS + at) * 500) for at in starts]
    found = judged(write_lives(tmp_path / "t.mlyze", lives, end_ms=END_MS))
    (site,) = found.sites
    assert (site.verdict, site.grew_until_freed) == ("freed_late", True)


@pytest.mark.parametrize(
    ("kind", "name", "shown"),
    [
        ("websocket", "/feed", "websocket /feed"),
        ("task", "mail", "task mail"),
        ("websocket", "", "websocket (not finished)"),
        ("window", "", "(no name)"),
        ("call", "load", "load"),
        ("window", "load", "load"),
    ],
)
def test_what_windows_leave_behind_is_said_of_them_as_lists_of_windows_name_them(
    kind: str, name: str, shown: str, tmp_path: Path
) -> None:
    windows = [(at, name, at) for at in range(20, END_MS, 4)]
    lives = [life._replace(window_id=life.born_ms) for life in growing()]
    path = write_lives(
        tmp_path / "t.mlyze", lives, end_ms=END_MS, windows=windows, window_kind=kind
    )
    (site,) = judged(path).sites
    assert site.window_name == shown
    with memlyze.open(path) as trace:
        label = "SELECT DISTINCT _window_label(kind, method, name) FROM _raw_windows"
        assert trace.sql(label).fetchall() == [(shown,)]
