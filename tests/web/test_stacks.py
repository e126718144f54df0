"""Which code allocated: what is shown of the known trace is known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from known_trace import LIBRARY_FILE, MS, PROGRAM_FILE
from served import Served, serving
from synthetic_trace import synthetic_trace

from memlyze.web.columns import COLUMNS


def paths(found: dict[str, Any], column: str = "bytes") -> dict[str, float]:
    """What each node of a flame graph has, by its way from the root."""
    nodes, names = found["nodes"], []
    for parent, frame in zip(nodes["parent"], nodes["frame"]):
        name = {-1: "", -2: "(other)"}.get(frame) or (
            found["frames"][frame]["function"] if frame >= 0 else ""
        )
        names.append(names[parent] + "/" + name if parent >= 0 else "")
    return dict(zip(names, nodes[column]))


def test_flame_graph_of_all_that_was_allocated(served: Served) -> None:
    found = served.get("flamegraph")
    assert paths(found) == {
        "": 1550,
        "/main": 1050,
        "/main/load": 900,
        "/main/load/decode": 500,
        "/<unknown>": 500,
    }
    assert found["total"] == {"value": 1550, "error": 0}


def test_flame_graph_of_what_is_live_at_a_moment(served: Served) -> None:
    found = served.get("flamegraph", mode="live", at_ns=5 * MS)
    assert paths(found) == {"": 700, "/main": 700, "/main/load": 600, "/main/load/decode": 200}


def test_flame_graph_of_what_was_born_in_a_range_and_is_still_alive(served: Served) -> None:
    found = served.get("flamegraph", mode="born_alive", from_ns=2 * MS, to_ns=5 * MS)
    assert paths(found) == {"": 400, "/main": 400, "/main/load": 400}


def test_flame_graph_of_the_difference_of_two_moments(served: Served) -> None:
    found = served.get("flamegraph", mode="difference", base_at_ns=5 * MS, at_ns=19 * MS)
    assert found["is_difference"]
    assert paths(found)["/main/load/decode"] == -200
    assert paths(found, "base_bytes")["/main/load/decode"] == 200
    assert found["total"]["value"] == 1050 - 700


def test_flame_graph_of_the_difference_of_two_traces(served: Served) -> None:
    same = served.get("flamegraph", mode="difference", base="exact.mlyze", measure="allocated")
    assert same["is_difference"]
    assert paths(same)["/main/load/decode"] == 0
    assert paths(same, "base_bytes")["/main/load/decode"] == 500
    found = served.get("flamegraph", mode="difference", base="sampled.mlyze")
    totals = served.get("compare", base="sampled.mlyze")["totals"]["peak"]
    assert found["total"]["value"] == totals["after"]["value"] - totals["before"]["value"]
    assert served.refusal("flamegraph", mode="difference", base="none.mlyze")[0] == 404


def test_difference_is_of_what_frames_have_themselves_too(served: Served) -> None:
    found = served.get("flamegraph", mode="difference", base_at_ns=5 * MS, at_ns=19 * MS)
    nodes = found["nodes"]
    rest = list(nodes["bytes"])
    for parent, size in zip(nodes["parent"], nodes["bytes"]):
        if parent >= 0:
            rest[parent] -= size
    assert rest == nodes["self_bytes"]


def test_inverted_flame_graph_begins_with_what_allocated(served: Served) -> None:
    found = served.get("flamegraph", inverted="true")
    assert paths(found)["/decode/load/main"] == 500


def test_nodes_that_are_not_sent_are_summed_up(tmp_path: Path) -> None:
    synthetic_trace(30_000, stacks=400, interval_bytes=2000.0, rate=0.1).write(tmp_path / "a.mlyze")
    with serving(tmp_path / "a.mlyze") as served:
        whole = served.get("flamegraph", max_nodes=200_000)
        cut = served.get("flamegraph", max_nodes=100)
    assert (whole["omitted"], whole["total"]) == ({"nodes": 0, "bytes": 0}, cut["total"])
    nodes = cut["nodes"]
    others = [row for row, frame in enumerate(nodes["frame"]) if frame == -2]
    assert others == list(range(100, 100 + cut["omitted"]["nodes"]))
    assert sum(nodes["bytes"][row] for row in others) == pytest.approx(cut["omitted"]["bytes"])
    rows = range(len(nodes["parent"]))
    for column in ("bytes", "samples", "allocations"):
        for row in set(nodes["parent"]) - {-1}:
            beneath = sum(nodes[column][child] for child in rows if nodes["parent"][child] == row)
            assert beneath <= nodes[column][row] + 1
            if column == "bytes":
                left = nodes[column][row] - nodes["self_bytes"][row] - beneath
                assert abs(left) < 1
    assert all(0 <= nodes["error"][row] <= nodes["error"][0] for row in others)


def test_frames_of_lines_are_told_apart_where_that_is_asked_for(served: Served) -> None:
    assert {frame["line"] for frame in served.get("flamegraph")["frames"]} == {0}
    lines = served.get("flamegraph", merge="line")["frames"]
    assert {frame["line"] for frame in lines if frame["file"] == PROGRAM_FILE} == {10, 20}


def test_flame_graph_of_a_sampled_trace_says_that_samples_are_few(served: Served) -> None:
    found = served.get("flamegraph", trace="sampled.mlyze")
    assert found["has_too_few_samples"]
    assert found["total"]["error"] > 0


def test_spike_shows_what_was_born_in_it_and_what_of_it_is_alive(served: Served) -> None:
    found = served.get("spike", from_ns=2 * MS, to_ns=5 * MS, at_ns=5 * MS)
    assert (found["born"]["value"], found["alive"]["value"], found["samples"]) == (900, 600, 3)
    (site,) = found["sites"]
    assert (site["label"], site["place"]["line"]) == ("load", 20)
    assert (site["inner"]["function"], site["inner"]["line"]) == ("decode", 30)
    assert [frame["function"] for frame in site["stack"]] == ["decode", "load", "main"]
    assert site["stack"][0]["file"] == LIBRARY_FILE


def test_spike_in_which_nothing_was_born_has_no_sites(served: Served) -> None:
    found = served.get("spike", from_ns=6 * MS, to_ns=7 * MS)
    assert (found["born"], found["sites"]) == ({"value": 0, "error": 0}, [])


def test_hotspots_have_what_was_live_at_the_peak(served: Served) -> None:
    found = served.get("hotspots", by="function")
    by_label = {row["label"]: row for row in found["rows"]}
    assert found["peak_ns"] == 12 * MS
    load = by_label["load"]
    assert (load["allocated"]["value"], load["peak"]["value"]) == (900, 400)
    assert load["temporary"]["value"] == 300
    assert found["total"]["value"] == 1550


def test_hotspots_by_thread_have_no_place(served: Served) -> None:
    rows = served.get("hotspots", by="thread", sort="live")["rows"]
    assert [(row["label"], row["live"]["value"]) for row in rows] == [
        ("MainThread", 550),
        ("thread 71", 500),
    ]
    assert rows[0]["place"]["file"] is None


def test_hotspots_by_type_are_those_of_the_checkpoint(served: Served) -> None:
    rows = served.get("hotspots", by="type")["rows"]
    assert [row["label"] for row in rows if not row["label"].startswith("unknown")] == [
        "main.Session"
    ]


def test_columns_as_they_lie_in_memory_say_what_json_says(tmp_path: Path) -> None:
    path = tmp_path / "t.mlyze"
    synthetic_trace(20_000, stacks=2000).write(path)
    with serving(path) as served:
        expected = served.get("flamegraph")
        response = served.client.get("/api/flamegraph", headers={"Accept": COLUMNS})
    assert response.headers["content-type"] == COLUMNS
    length = int.from_bytes(response.content[:8], "little")
    assert length % 8 == 0
    found = json.loads(response.content[8 : 8 + length])
    behind = response.content[8 + length :]
    assert len(expected["nodes"]["parent"]) > 256
    for name, told in found["nodes"].items():
        values = np.frombuffer(behind, "<" + told["$column"], told["length"], told["at"])
        assert values.tolist() == expected["nodes"][name]
    del found["nodes"], expected["nodes"]
    assert found == expected
