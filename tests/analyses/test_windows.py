"""What windows take: by route, one by one, at the peak, and what they leave behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from trace_encoder import Allocation, Free, Run, TraceEncoder

import memlyze
from memlyze.analyses.estimates import Estimate
from memlyze.analyses.windows import Growth, Route, _growth, windows

SECOND = 1_000_000_000
FIRST_ID = 1 << 16
SAMPLED = {
    "sampling_id": 1,
    "interval_bytes": 524_288.0,
    "rate": 0.0,
    "surcharge_bytes": 0.0,
}


def request(number: int, name: str, start: int, end: int, **more: Any) -> dict[str, Any]:
    return {
        "window_id": number,
        "kind": "http",
        "name": name,
        "method": "GET",
        "status": 200,
        "start_ns": start,
        "end_ns": end,
        "thread_id": 1,
        **more,
    }


def service(
    path: Path,
    *,
    leaks: bool,
    leaks_until: int = 1 << 30,
    sampled: bool = False,
    requests: int = 100,
) -> str:
    """Requests one second after the other, of 1000 bytes each; `/leak` never gives back 100 more,
    those of the first `leaks_until` requests, `/cached` only when four more requests of it have
    come.
    """
    metadata = {
        "process_id": 7,
        "start_time_unix_ns": 1,
        "sample_rate": 0.0 if sampled else 1.0,
        "sample_interval": 524_288,
        "end_ns": (requests + 1) * SECOND,
    }
    trace = TraceEncoder(metadata, samplings=[SAMPLED] if sampled else [*_exact()])
    trace.add("threads", [{"thread_id": 1, "os_thread_id": 7}])
    rows, runs, cached = [], [], []
    number = FIRST_ID
    for window in range(1, requests + 1):
        start = window * SECOND
        name = "/leak" if window % 2 else "/cached"
        rows.append(request(window, name, start, start + SECOND // 2))
        runs.append(Run(1, start, number, [Allocation(1000), Allocation(100)], window_id=window))
        runs.append(Run(1, start + SECOND // 4, number + 2, [Free(number)], window_id=window))
        if name == "/cached":
            cached.append(number + 1)
            if len(cached) > 4:
                runs.append(
                    Run(1, start + SECOND // 4, number + 2, [Free(cached.pop(0))], window_id=window)
                )
        elif not leaks or window > leaks_until:
            runs.append(Run(1, start + SECOND // 4, number + 2, [Free(number + 1)]))
        number += 2
    runs.append(Run(1, (requests + 1) * SECOND, number, [Allocation(5000)]))
    trace.add("windows", rows)
    trace.add_runs(runs)
    trace.add("memory", [{"time_ns": SECOND, "heap_live": 1100, "rss": 5000}])
    trace.write(path)
    return str(path)


def _exact() -> Any:
    from trace_encoder import EXACT_SAMPLING

    return [EXACT_SAMPLING]


def by_name(path: str) -> dict[str, Route]:
    with memlyze.open(path) as trace:
        return {route.name: route for route in windows(trace).routes}


def test_routes_have_their_counts_and_figures(tmp_path: Path) -> None:
    route = by_name(service(tmp_path / "t.mlyze", leaks=True))["/leak"]
    assert (route.windows, route.kind, route.method, route.unfinished) == (50, "http", "GET", 0)
    assert route.allocated_bytes == (55_000, 0)
    assert tuple(figure.value for figure in route.allocated) == (1100,) * 4
    assert all(figure.error == 0 for figure in route.allocated)
    assert route.retained_bytes == (5000, 0)
    assert route.live_bytes == (5000, 0)
    assert route.max_peak_bytes == (1100, 0)
    assert route.mean_duration_ns == SECOND / 2


def test_what_stays_of_every_request_grows_and_a_bounded_cache_does_not(tmp_path: Path) -> None:
    routes = by_name(service(tmp_path / "t.mlyze", leaks=True))
    assert routes["/leak"].growth == ((100, 0), 20, "grows")
    assert routes["/cached"].live_bytes == (400, 0)
    assert routes["/cached"].growth == ((0, 0), 20, "steady")
    calm = by_name(service(tmp_path / "calm.mlyze", leaks=False))
    assert calm["/leak"].growth == ((0, 0), 20, "steady")


@pytest.mark.parametrize("sampled", [False, True])
def test_what_fills_a_cache_beyond_the_first_tenth_and_then_nothing_does_not_grow(
    tmp_path: Path, sampled: bool
) -> None:
    filled = service(tmp_path / "t.mlyze", leaks=True, leaks_until=40, sampled=sampled)
    growth = by_name(filled)["/leak"].growth
    unseen = 3 * 524_288 / 25 if sampled else 0
    assert growth == ((0, unseen), 25, "steady")
    # Where the last ones leave less, but something, that is what is left for good.
    slower = by_name(service(tmp_path / "slower.mlyze", leaks=True, leaks_until=80))["/leak"].growth
    assert (slower.bytes_per_window.value, slower.windows, slower.verdict) == (60, 25, "grows")
    # What few of the last ones leave is beyond no error.
    late = service(tmp_path / "late.mlyze", leaks=True, leaks_until=54, sampled=sampled)
    growth = by_name(late)["/leak"].growth
    assert (growth.windows, growth.verdict) == (25, "steady")
    assert 0 < growth.bytes_per_window.value <= growth.bytes_per_window.error


@pytest.mark.parametrize(
    ("late", "verdict"),
    [
        ((1240, 1700, "steady"), "unknown"),  # as much as before, or nothing
        ((200, 300, "steady"), "steady"),  # less than before in any case
        ((0, 1700, "steady"), "steady"),  # nothing was seen to stay
        ((2900, 900, "grows"), "grows"),
    ],
)
def test_last_half_of_which_nothing_can_be_said_gives_no_verdict(
    late: tuple[float, float, str], verdict: str
) -> None:
    early = Growth(Estimate(3000, 1400), 80, "grows")
    value, error, of_half = late
    assert _growth([early, Growth(Estimate(value, error), 100, of_half)]).verdict == verdict


def test_few_requests_and_few_samples_give_no_verdict(tmp_path: Path) -> None:
    few = by_name(service(tmp_path / "few.mlyze", leaks=True, requests=20))
    assert few["/leak"].growth.verdict == "unknown"
    sampled = by_name(service(tmp_path / "sampled.mlyze", leaks=False, sampled=True))
    growth = sampled["/leak"].growth
    # Nothing was seen to stay: at 95 %, up to three samples may have been missed.
    assert growth.bytes_per_window == (0, 3 * 524_288 / 20)
    assert sampled["/leak"].allocated.p95.rests_on_few
    assert sampled["/leak"].max_peak_bytes.rests_on_few


def test_the_greatest_single_requests_and_the_holders_at_the_peak(tmp_path: Path) -> None:
    with memlyze.open(service(tmp_path / "t.mlyze", leaks=True)) as trace:
        found = windows(trace, count=3)
    assert found.windows == 100
    assert [window.allocated_bytes for window in found.worst] == [(1100, 0)] * 3
    assert found.unattributed_bytes == (5000, 0)
    assert found.allocated_bytes == 115_000
    assert found.at_peak is not None
    # The last moment, at which the block that belongs to no window is live as well.
    assert found.at_peak.live_bytes == (10_400, 0)
    assert [(h.name, h.bytes, h.windows, h.of_windows) for h in found.at_peak.holders] == [
        ("/leak", (5000, 0), 50, 50),
        (None, (5000, 0), 0, 0),
        ("/cached", (400, 0), 4, 50),
    ]


@pytest.mark.parametrize(("sort_by", "first"), [("count", "/a"), ("time", "/b"), ("live", "/b")])
def test_routes_in_the_order_that_is_asked_for(tmp_path: Path, sort_by: str, first: str) -> None:
    trace = TraceEncoder({"process_id": 7, "sample_rate": 1.0, "end_ns": 9 * SECOND})
    trace.add(
        "windows",
        [request(1, "/a", 1, 2), request(2, "/a", 3, 4), request(3, "/b", 5, SECOND, kind="call")],
    )
    trace.add_runs([Run(1, 6, FIRST_ID, [Allocation(10)], window_id=3)])
    trace.write(tmp_path / "t.mlyze")
    with memlyze.open(str(tmp_path / "t.mlyze")) as opened:
        assert windows(opened, sort_by=sort_by).routes[0].name == first
        assert [route.name for route in windows(opened, kind="call").routes] == ["/b"]


def test_trace_without_windows_or_allocations_has_none(tmp_path: Path) -> None:
    TraceEncoder({"process_id": 7}).write(tmp_path / "t.mlyze")
    with memlyze.open(str(tmp_path / "t.mlyze")) as trace:
        found = windows(trace)
    assert (found.windows, found.routes, found.worst, found.at_peak) == (0, (), (), None)
