"""`memlyze windows`, as a person and as a program reads it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from trace_encoder import EXACT_SAMPLING, Allocation, Free, Run, TraceEncoder

import memlyze
from memlyze.analyses.hotspots import hotspots
from memlyze.analyses.selection import Selection, SelectionError
from memlyze.cli.windows import run

ID = 1 << 16


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A trace of 40 requests that each leave 2 KiB behind, and one call."""
    trace = TraceEncoder({"process_id": 7, "sample_rate": 1.0, "end_ns": 10**9})
    rows: list[dict[str, Any]] = [
        {
            "window_id": number,
            "kind": "http",
            "name": "/items/{id}\x1b[31m",
            "method": "GET",
            "status": 500 if number == 3 else 200,
            "start_ns": 1000 * number,
            "end_ns": 1000 * number + 500,
        }
        for number in range(1, 41)
    ]
    trace.add("windows", [*rows, {"window_id": 41, "kind": "call", "name": "load", "end_ns": 5}])
    runs = [
        Run(1, 1000 * number, ID + number, [Allocation(2048)], window_id=number)
        for number in range(1, 41)
    ]
    trace.add_runs(runs)
    trace.add("memory", [{"time_ns": 50_000, "heap_live": 40 * 2048, "rss": 1 << 20}])
    trace.write(tmp_path / "t.mlyze")
    return str(tmp_path / "t.mlyze")


def test_routes_worst_requests_and_holders_are_shown(
    path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([path]) == 0
    out = capsys.readouterr().out
    route = next(line for line in out.splitlines() if "GET /items/{id}" in line)
    assert route.split()[:3] == ["40", "80.0", "KiB"]
    assert "2.00 KiB  grows" in route
    assert route.endswith("(1 failed)")
    assert "\x1b" not in out
    assert "0 B (0 %) were allocated in no window" in out
    assert "80.0 KiB  GET /items/{id}\\x1b[31m  (40 of 40 windows)" in out


@pytest.mark.parametrize("columns", [80, 100, 120])
def test_route_and_verdict_are_shown_on_a_narrow_terminal(
    path: str, columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memlyze.cli.terminal.is_terminal", lambda stream: True)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", str(columns))
    assert run([path]) == 0
    _, *lines = capsys.readouterr().out.splitlines()
    assert max(len(line) for line in lines if "memlyze leaks" not in line) <= columns
    route = next(line for line in lines if "(1 failed)" in line)
    assert "2.00 KiB  grows  GET /items/{id}" in route
    assert any(line.endswith(f"memlyze leaks {path}") for line in lines)


def test_json_has_the_same(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--json", "--worst", "1", path]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["routes"][0]["growth"]["verdict"] == "grows"
    assert found["routes"][0]["growth"]["bytes_per_window"] == {"value": 2048.0, "error": 0.0}
    assert [window["window_id"] for window in found["worst"]] == [1]


def test_trace_without_windows_says_where_windows_come_from(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    TraceEncoder({"process_id": 7}).write(tmp_path / "t.mlyze", complete=False)
    assert run([str(tmp_path / "t.mlyze")]) == 0
    out = capsys.readouterr().out
    assert "There are no windows in this trace" in out
    assert "memlyze.integrations" in out


def test_what_is_in_no_window_is_explained_where_it_is_most(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trace = TraceEncoder({"process_id": 7, "sample_rate": 1.0, "end_ns": 10**9})
    trace.add("windows", [{"window_id": 1, "kind": "call", "name": "load", "start_ns": 500}])
    trace.add_runs(
        [
            Run(1, 0, ID, [Allocation(3 << 20)]),
            Run(1, 600, ID + 1, [Allocation(1 << 20)], window_id=1),
            Run(1, 700, ID + 2, [Allocation(4 << 20)]),
        ]
    )
    trace.write(tmp_path / "t.mlyze")
    assert run([str(tmp_path / "t.mlyze")]) == 0
    out = capsys.readouterr().out
    assert "7.00 MiB (88 %) were allocated in no window, 3.00 MiB of it before the first one" in out
    assert "memlyze hotspots" in out


@pytest.mark.parametrize("greatest", [1, 20])
def test_one_request_that_takes_most_is_told_apart_from_the_others(
    greatest: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _write_calls(tmp_path, {n: 1 << 20 if n == greatest else 1024 for n in range(1, 31)})
    assert run([str(tmp_path / "t.mlyze")]) == 0
    out = capsys.readouterr().out
    assert "load: 1.00 MiB of it in a single one" in out
    assert ("in a single one, the first" in out) == (greatest == 1)
    assert "without it 1.00 KiB each" in out


@pytest.mark.parametrize("sizes", [{1: 1 << 20, 2: 2 << 20}, {1: 102_400, 2: 102_300}])
def test_of_few_windows_none_is_told_apart(
    sizes: dict[int, int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _write_calls(tmp_path, sizes)
    assert run([str(tmp_path / "t.mlyze")]) == 0
    out = capsys.readouterr().out
    assert "load" in out
    assert "in a single one" not in out


@pytest.mark.parametrize("kept", [True, False])
def test_where_growth_is_not_known_leaks_is_pointed_to(
    kept: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _write_calls(tmp_path, dict.fromkeys(range(1, 5), 1024), freed=not kept)
    path = str(tmp_path / "t.mlyze")
    assert run([path]) == 0
    out = capsys.readouterr().out
    assert "  ?  " in out
    assert (f"which needs fewer samples: memlyze leaks {path}" in out) == kept


def test_where_samples_are_too_few_for_growth_the_interval_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for interval_bytes in (0, 1 << 19):
        _write_calls(tmp_path, dict.fromkeys(range(1, 5), 1024), interval_bytes=interval_bytes)
        assert run([str(tmp_path / "t.mlyze")]) == 0
        out = " ".join(capsys.readouterr().out.split())
        assert "which needs fewer samples" in out
        hint = "Recorded was every 512 KiB allocated; a smaller sample_interval, an option of the"
        assert (hint in out) == bool(interval_bytes)


def _write_calls(
    folder: Path, sizes: dict[int, int], *, freed: bool = False, interval_bytes: int = 0
) -> None:
    """A trace of calls that allocate so much each, by their number in time."""
    sampling = dict(EXACT_SAMPLING)
    if interval_bytes:
        sampling.update(interval_bytes=interval_bytes, rate=0.0)
    metadata = {"process_id": 7, "sample_rate": sampling["rate"], "end_ns": 10**9}
    trace = TraceEncoder(metadata, samplings=[sampling])
    rows = [
        {"window_id": n, "kind": "call", "name": "load", "start_ns": 9 * n, "end_ns": 9 * n + 5}
        for n in sizes
    ]
    trace.add("windows", rows)
    for n, size in sizes.items():
        events = [Allocation(size), *([Free(ID + n)] if freed else [])]
        trace.add_runs([Run(1, 9 * n, ID + n, events, window_id=n)])
    trace.write(folder / "t.mlyze")


def test_single_sample_does_not_tell_a_request_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is always in a single one, whatever the others took."""
    sampling = {"sample_rate": 0.0, "sample_interval": 1 << 19, "end_ns": 10**9}
    trace = TraceEncoder(
        {"process_id": 7, **sampling},
        samplings=[
            {
                "sampling_id": 1,
                "interval_bytes": 524_288.0,
                "rate": 0.0,
                "surcharge_bytes": 0.0,
            }
        ],
    )
    rows = [{"window_id": n, "kind": "call", "name": "load", "start_ns": n} for n in range(1, 31)]
    trace.add("windows", rows)
    trace.add_runs([Run(1, 7, ID, [Allocation(1024)], window_id=7)])
    trace.write(tmp_path / "t.mlyze")
    assert run([str(tmp_path / "t.mlyze")]) == 0
    out = capsys.readouterr().out
    assert "load" in out
    assert "in a single one" not in out


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("/search", 111),
        ("GET /search", 1),
        ("POST /search", 10),
        ("websocket /search", 100),
        ("load", 1000),
        ("(not finished)", None),
        ("PUT (not finished)", 10_000),
        ("PUT /search", None),
    ],
)
def test_windows_are_selected_by_the_name_that_is_listed(
    name: str, expected: int | None, tmp_path: Path
) -> None:
    trace = TraceEncoder({"process_id": 7, "sample_rate": 1.0, "end_ns": 10**9})
    windows = [
        ("http", "GET", "/search"),
        ("http", "POST", "/search"),
        ("websocket", "", "/search"),
        ("call", "", "load"),
        ("http", "PUT", ""),
    ]
    rows = [
        {"window_id": number, "kind": kind, "method": method, "name": text, "start_ns": number}
        for number, (kind, method, text) in enumerate(windows, 1)
    ]
    trace.add("windows", rows)
    trace.add_runs(
        [Run(1, n, ID + n, [Allocation(10 ** (n - 1))], window_id=n) for n in range(1, 6)]
    )
    trace.write(tmp_path / "t.mlyze")
    with memlyze.open(tmp_path / "t.mlyze") as opened:
        if expected is None:
            there = "GET /search, POST /search, PUT \\(not finished\\), load, websocket /search"
            with pytest.raises(SelectionError, match=f"no window '.*'.*; it has {there}"):
                hotspots(opened, selection=Selection(window=name))
        else:
            total = hotspots(opened, selection=Selection(window=name)).total
            assert total is not None
            assert total.bytes.value == expected


def test_window_that_has_no_name_is_not_said_to_be_unfinished(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only requests get their names at their ends: a program may call a window what it likes."""
    trace = TraceEncoder({"process_id": 7, "sample_rate": 1.0, "end_ns": 10**9})
    trace.add(
        "windows", [{"window_id": 1, "kind": "window", "name": "", "start_ns": 1, "end_ns": 9}]
    )
    trace.add_runs([Run(1, 5, ID, [Allocation(1024)], window_id=1)])
    path = tmp_path / "t.mlyze"
    trace.write(path)
    assert run([str(path)]) == 0
    out = capsys.readouterr().out
    assert "(no name)" in out
    assert "(not finished)" not in out
    with memlyze.open(path) as opened:
        (row, *_) = hotspots(opened, by="window").rows
        assert row.name == "(no name)"
        total = hotspots(opened, selection=Selection(window=row.name)).total
    assert total is not None
    assert total.bytes.value == 1024


def test_window_called_no_window_is_not_counted_with_what_is_in_none(tmp_path: Path) -> None:
    trace = TraceEncoder({"process_id": 7, "sample_rate": 1.0, "end_ns": 10**9})
    rows = [{"window_id": 1, "kind": "window", "name": "no window", "start_ns": 1, "end_ns": 9}]
    trace.add("windows", rows)
    trace.add_runs(
        [
            Run(1, 5, ID, [Allocation(1024)], window_id=1),
            Run(1, 20, ID + 1, [Allocation(2048)]),
        ]
    )
    path = tmp_path / "t.mlyze"
    trace.write(path)
    with memlyze.open(path) as opened:
        found = {row.name: row.bytes.value for row in hotspots(opened, by="window").rows}
    assert found == {"no window": 1024, "outside of windows": 2048}


def test_fewer_routes_are_shown_when_asked_for(
    path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([path, "--routes", "1", "--worst", "0", "--sort", "count"]) == 0
    out = capsys.readouterr().out
    assert "and 1 more: --routes 2" in out
    assert "the greatest single" not in out


def test_next_step_names_all_of_the_traces(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Workers that were recorded each by itself are not found from one another's trace."""
    monkeypatch.chdir(tmp_path)
    content = Path(path).read_bytes()
    Path(path).unlink()
    for number in 57, 58, 61:
        (tmp_path / f"memlyze-{number}.mlyze").write_bytes(content)

    def said(*traces: str) -> str:
        assert run(list(traces)) == 0
        line = next(line for line in capsys.readouterr().out.splitlines() if "What grows" in line)
        return line.partition(": memlyze leaks ")[2]

    assert said("memlyze-57.mlyze") == "memlyze-57.mlyze"
    assert said("memlyze-57.mlyze", "memlyze-58.mlyze") == "memlyze-57.mlyze memlyze-58.mlyze"
    assert said("memlyze-57.mlyze", "memlyze-58.mlyze", "memlyze-61.mlyze") == "memlyze-*.mlyze"


@pytest.mark.parametrize(("unrouted", "is_told"), [(40, True), (37, True), (20, False), (0, False)])
def test_requests_of_which_no_route_is_known_are_said_to_need_names(
    unrouted: int, is_told: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trace = TraceEncoder({"process_id": 7, "sample_rate": 1.0, "end_ns": 10**9})
    names = ["(no route)"] * unrouted + ["/items"] * (40 - unrouted)
    rows = [
        {"window_id": n, "kind": "http", "name": name, "method": "GET", "end_ns": 1000 * n}
        for n, name in enumerate(names, 1)
    ]
    # Calls have no routes, and are not counted.
    calls = [{"window_id": n, "kind": "call", "name": "load", "end_ns": 5} for n in range(41, 99)]
    trace.add("windows", rows + calls)
    trace.write(tmp_path / "t.mlyze")
    assert run([str(tmp_path / "t.mlyze")]) == 0
    assert ("route_name" in capsys.readouterr().out) is is_told
