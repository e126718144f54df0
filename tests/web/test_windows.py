"""Windows of the known trace."""

from __future__ import annotations

from pathlib import Path

from known_trace import FIRST_ID, MS, known_trace
from served import Served, serving
from trace_encoder import Allocation, Free, Run


def test_windows_are_columns_for_a_scatter(served: Served) -> None:
    found = served.get("windows")
    assert found["total"] == 3
    assert found["name"] == ["outer", "inner", "inner"]
    assert found["allocated_bytes"] == [900, 300, 50]
    assert found["retained_bytes"] == [600, 0, 50]
    assert found["parent_id"] == [None, 1, None]
    assert found["duration_ns"] == [3 * MS, MS, None]


def test_windows_are_chosen_by_range_name_and_number(served: Served) -> None:
    assert served.get("windows", name="inner", to_ns=10 * MS)["window_id"] == [2]
    found = served.get("windows", marks=1)
    assert (found["total"], found["window_id"]) == (3, [1])


def test_names_have_distributions(served: Served) -> None:
    names = {row["name"]: row for row in served.get("windows/names")["names"]}
    inner = names["inner"]
    assert (inner["windows"], inner["allocated"]["value"]) == (2, 350)
    quantiles = dict(zip(inner["quantiles"]["q"], inner["quantiles"]["allocated_bytes"]))
    assert (quantiles[0.0], quantiles[0.5], quantiles[1.0]) == (50, 175, 300)
    assert inner["max_duration_ns"] == MS  # the other is still open


def test_names_that_are_left_out_are_counted(served: Served) -> None:
    found = served.get("windows/names", limit=1)
    assert ([row["name"] for row in found["names"]], found["total"]) == (["outer"], 2)


def test_requests_are_told_apart_by_method(tmp_path: Path) -> None:
    trace = known_trace()
    requests = [("GET", "/items"), ("POST", "/items"), ("", "/feed")]
    trace.add(
        "windows",
        [
            {
                "window_id": 10 + k,
                "kind": "http" if method else "websocket",
                "name": name,
                "method": method,
                "start_ns": MS,
                "end_ns": 2 * MS,
                "thread_id": 1,
            }
            for k, (method, name) in enumerate(requests)
        ],
    )
    trace.write(tmp_path / "t.mlyze")
    labels = {"GET /items", "POST /items", "websocket /feed"}
    with serving(tmp_path / "t.mlyze") as served:
        assert labels <= {row["name"] for row in served.get("windows/names")["names"]}
        assert served.get("windows", name="POST /items")["window_id"] == [11]
        assert labels <= set(served.get("lanes")["windows"]["name"])
        assert served.get("windows/12")["name"] == "websocket /feed"


def test_names_say_what_each_of_their_windows_leaves_behind(tmp_path: Path) -> None:
    trace = known_trace()
    routes = {"/leaks": 40, "/frees": 0}
    for place, (name, left_bytes) in enumerate(routes.items()):
        numbers = range(100 * (place + 1), 100 * (place + 1) + 40)
        trace.add(
            "windows",
            [
                {
                    "window_id": number,
                    "kind": "http",
                    "name": name,
                    "method": "GET",
                    "start_ns": 2 * MS,
                    "end_ns": 3 * MS,
                    "thread_id": 1,
                }
                for number in numbers
            ],
        )
        for number in numbers:
            first = number * FIRST_ID
            made = [Allocation(left_bytes, 1)] if left_bytes else [Allocation(9, 1), Free(first)]
            trace.add_runs([Run(1, 2 * MS, first, made, window_id=number)])
    trace.write(tmp_path / "t.mlyze")
    with serving(tmp_path / "t.mlyze") as served:
        for asked in ({}, {"thread_id": 1}):  # of a part of the recording, too
            rows = served.get("windows/names", **asked)["names"]
            growth = {row["name"]: row["growth"] for row in rows}
            leaks, frees = growth["GET /leaks"], growth["GET /frees"]
            assert (leaks["bytes_per_window"]["value"], leaks["verdict"]) == (40, "grows")
            assert (frees["bytes_per_window"]["value"], frees["verdict"]) == (0, "steady")
            assert (growth["inner"]["windows"], growth["inner"]["verdict"]) == (1, "unknown")


def test_what_is_in_no_window_is_told_beside_the_names(served: Served) -> None:
    outside = served.get("windows/names")["outside"]
    assert outside["allocated"]["value"] == outside["live"]["value"] == 600
    assert outside["share"] == 600 / 1550
    in_thread = served.get("windows/names", thread_id=2)["outside"]
    assert (in_thread["allocated"]["value"], in_thread["share"]) == (500, 1)
    nothing = served.get("windows/names", to_ns=1)["outside"]
    assert (nothing["allocated"]["value"], nothing["share"]) == (0, 0)


def test_window_has_its_own_timeline_children_and_sites(served: Served) -> None:
    found = served.get("windows/1", buckets=3)
    assert (found["name"], found["attributes"]) == ("outer", {"user": 3})
    assert found["timeline"]["allocated_bytes"] == [200, 300, 400]
    assert found["timeline"]["live_bytes"] == [200, 200, 600]
    assert [child["window_id"] for child in found["children"]] == [2]
    (site,) = found["sites"]
    assert (site["label"], site["allocated"]["value"]) == ("load", 900)
    assert site["retained"]["value"] == found["retained"]["value"] == 600


def test_window_that_is_still_open_ends_with_the_trace(served: Served) -> None:
    found = served.get("windows/3")
    assert found["end_ns"] is None
    assert found["timeline"]["live_bytes"][-1] == 50


def test_window_that_is_not_there_is_said(served: Served) -> None:
    assert served.refusal("windows/99")[0] == 404


def test_timeline_of_a_window_keeps_what_was_over_within_a_bucket(tmp_path: Path) -> None:
    trace = known_trace()
    first = 9 * FIRST_ID
    trace.add_runs(
        [
            Run(1, 16 * MS, first, [Allocation(7000, 1)], window_id=3),
            Run(1, 17 * MS, first + 1, [Free(first)]),
        ]
    )
    trace.write(tmp_path / "spike.mlyze")
    with serving(tmp_path / "spike.mlyze") as running:
        found = running.get("windows/3", buckets=1)["timeline"]
    assert (found["live_bytes"], found["greatest_live_bytes"]) == ([50], [7050])
