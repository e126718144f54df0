"""Pictures whose one axis is time: what they show of the known trace is known."""

from __future__ import annotations

from pathlib import Path

import pytest
from known_trace import FIRST_ID, MS, known_trace
from served import CONTRACT, Served, serving
from trace_encoder import Allocation, Free, Run

from memlyze.analyses.curves import bucket_edges

#: Buckets of a millisecond each, the last with the end of the recording.
EACH_MS = {"to_ns": 21 * MS, "buckets": 21}


def test_timeline_has_the_least_and_the_greatest_reading_of_each_bucket(served: Served) -> None:
    found = served.get("timeline", buckets=2)
    assert found["start_ns"] == [0, found["bucket_ns"]]
    assert found["rss"] == {"min": [4990, 8000], "max": [9000, 8000]}
    assert found["heap_live"] == {"min": [0, 500], "max": [700, 1050], "error": [0, 0]}


def test_timeline_has_no_reading_where_the_clock_did_not_tick(served: Served) -> None:
    found = served.get("timeline", **EACH_MS)
    assert [ms for ms, rss in enumerate(found["rss"]["max"]) if rss is not None] == [0, 10, 19]


def test_timeline_counts_what_was_live_before_its_range(served: Served) -> None:
    whole = served.get("timeline", **EACH_MS)
    part = served.get("timeline", from_ns=8 * MS, to_ns=14 * MS, buckets=6)
    assert whole["live_bytes"][8:14] == part["live_bytes"]
    assert part["live_bytes"] == [700, 500, 500, 1000, 1050, 1050]
    assert part["freed_bytes"] == [0, 200, 0, 0, 0, 0]


def test_timeline_of_a_thread_counts_only_what_it_allocated(served: Served) -> None:
    found = served.get("timeline", thread_id=2, buckets=1)
    assert (found["allocated_bytes"], found["live_bytes"]) == ([500], [500])


def test_timeline_of_a_window_counts_the_windows_inside_it(served: Served) -> None:
    found = served.get("timeline", window_id=1, buckets=1)
    assert (found["allocated_bytes"], found["live_bytes"]) == ([900], [400])


def test_timeline_of_a_sampled_trace_has_error_bars(served: Served) -> None:
    exact = served.get("timeline", buckets=1)
    sampled = served.get("timeline", trace="sampled.mlyze", buckets=1)
    assert exact["live_error"] == exact["heap_live"]["error"] == [0]
    assert sampled["live_error"][0] > 0 and sampled["heap_live"]["error"][0] > 0


def test_timeline_names_the_greatest_readings(served: Served) -> None:
    peaks = {peak["kind"]: peak for peak in served.get("timeline", **EACH_MS)["peaks"]}
    assert (peaks["rss"]["time_ns"], peaks["rss"]["bytes"]) == (10 * MS, 9000)
    assert (peaks["heap_live"]["time_ns"], peaks["heap_live"]["bytes"]) == (12 * MS, 1050)


def test_spike_between_two_readings_of_the_clock_is_drawn_and_marked(tmp_path: Path) -> None:
    path = tmp_path / "spike.mlyze"
    trace = known_trace()
    trace.add_runs(
        [
            Run(1, 16 * MS, 9 * FIRST_ID, [Allocation(7000, 1)]),
            Run(1, 17 * MS, 9 * FIRST_ID + 1, [Free(9 * FIRST_ID)]),
        ]
    )
    trace.write(path)
    with serving(path) as running:
        found, info = running.get("timeline", buckets=2), running.get("info")
    assert found["live_bytes"] == [500, 1050]
    assert found["heap_live"]["max"] == [700, 8050]
    (peak,) = (peak for peak in found["peaks"] if peak["kind"] == "heap_live")
    assert (peak["time_ns"], peak["bytes"]) == (16 * MS, 8050)
    assert (info["peak_live_ns"], info["peak_live_bytes"]["value"]) == (16 * MS, 8050)


def test_live_heap_of_a_range_begins_with_what_was_live_before(served: Served) -> None:
    found = served.get("timeline", from_ns=8 * MS, to_ns=11 * MS, buckets=1)
    assert (found["heap_live"]["min"], found["heap_live"]["max"]) == ([500], [700])
    (peak,) = (peak for peak in found["peaks"] if peak["kind"] == "heap_live")
    assert (peak["time_ns"], peak["bytes"]) == (8 * MS, 700)


def test_range_that_ends_before_it_begins_is_refused(served: Served) -> None:
    status, words = served.refusal("timeline", from_ns=5, to_ns=3)
    assert status == 400
    assert "ends before it begins" in words


def test_thread_that_is_not_there_is_refused(served: Served) -> None:
    status, words = served.refusal("timeline", thread_id=99)
    assert status == 400
    assert "no thread 99" in words


def test_resident_categories_add_up_at_each_snapshot(served: Served) -> None:
    found = served.get("timeline/resident")
    assert found["time_ns"] == [0, 10 * MS]
    first = found["categories"][0]
    assert (first["label"], first["resident_bytes"]) == ("Python objects", [600, 5000])
    sums = [sum(values) for values in zip(*(c["resident_bytes"] for c in found["categories"]))]
    assert sums == [4100, 9000]


def test_resident_categories_of_a_range_begin_with_those_before_it(served: Served) -> None:
    found = served.get("timeline/resident", from_ns=4 * MS, to_ns=8 * MS)
    assert found["time_ns"] == [4 * MS]
    assert sum(category["resident_bytes"][0] for category in found["categories"]) == 4100


@pytest.mark.parametrize("buckets", [21, 7, 3, 2, 1])
def test_layers_and_the_rest_add_up_to_the_most_that_was_live(served: Served, buckets: int) -> None:
    asked = {"to_ns": 21 * MS, "buckets": buckets}
    live = served.get("timeline", **asked)["heap_live"]["max"]
    found = served.get("timeline/stacked", **asked, by="function", top=1)
    (layer,) = found["layers"]
    assert layer["label"] == "load"
    sums = [sum(values) for values in zip(layer["live_bytes"], found["other"]["live_bytes"])]
    assert sums == live


def test_layers_of_a_range_begin_with_what_was_live_before(served: Served) -> None:
    whole = served.get("timeline/stacked", **EACH_MS, by="file")
    part = served.get("timeline/stacked", by="file", from_ns=8 * MS, to_ns=12 * MS, buckets=4)
    by_label = {layer["label"]: layer["live_bytes"] for layer in whole["layers"]}
    for layer in part["layers"]:
        assert layer["live_bytes"] == by_label[layer["label"]][8:12]


@pytest.mark.parametrize("by", ["site", "line", "function", "file", "module"])
def test_heat_map_has_all_bytes_in_its_cells(served: Served, by: str) -> None:
    found = served.get("heatmap/sites", **EACH_MS, by=by)
    assert sum(found["values"]) == sum(row["bytes"] for row in found["rows"]) == 1550
    assert len(found["values"]) == len(found["rows"]) * len(found["start_ns"])
    assert found["other_bytes"] == 0


def test_heat_map_shows_the_most_that_was_live_of_each_place(served: Served) -> None:
    asked = {"to_ns": 21 * MS, "by": "function", "measure": "live"}
    each = served.get("heatmap/sites", **asked, buckets=21)
    whole = served.get("heatmap/sites", **asked, buckets=1)
    labels = [row["label"] for row in each["rows"]]
    assert labels == [row["label"] for row in whole["rows"]]
    rows = [each["values"][21 * k : 21 * (k + 1)] for k in range(len(labels))]
    assert whole["values"] == [max(row) for row in rows]
    assert dict(zip(labels, whole["values"]))["load"] == 600


def test_heat_map_says_what_is_in_the_places_that_it_leaves_out(served: Served) -> None:
    found = served.get("heatmap/sites", buckets=3, by="function", top=1)
    assert [row["label"] for row in found["rows"]] == ["load"]
    assert (sum(found["values"]), found["other_bytes"]) == (900, 650)


def test_lifetimes_are_classed_with_sizes(served: Served) -> None:
    found = served.get("heatmap/lifetimes")
    columns = len(found["lifetimes"])
    assert found["lifetimes"][0]["label"] == "under 1 ms"
    assert found["lifetimes"][-1] == {"label": "still live", "from_ns": None, "to_ns": None}
    cells = {
        (number // columns, number % columns): size
        for number, size in enumerate(found["bytes"])
        if size
    }
    by_class = {
        (found["sizes"][size]["from_bytes"], found["lifetimes"][lifetime]["label"]): value
        for (size, lifetime), value in cells.items()
    }
    assert by_class == {
        (257, "under 1 ms"): 300,
        (129, "1 ms to 10 ms"): 200,
        (33, "still live"): 50,
        (65, "still live"): 100,
        (257, "still live"): 900,
    }


@pytest.mark.parametrize(
    "path", ["timeline", "timeline/resident", "timeline/stacked", "heatmap/sites", "lanes"]
)
@pytest.mark.parametrize("name", ["from_ns", "to_ns"])
def test_time_that_no_recording_reaches_is_refused(served: Served, path: str, name: str) -> None:
    status, words = served.refusal(path, **{name: (1 << 63) - 1})
    assert status == 400
    assert f"{name} is from 0 to" in words


@pytest.mark.parametrize("path", ["timeline", "timeline/stacked", "heatmap/sites"])
def test_greatest_times_have_buckets_without_anything(served: Served, path: str) -> None:
    parameters = CONTRACT["components"]["parameters"]
    greatest_ns = parameters["from_ns"]["schema"]["maximum"]
    assert parameters["to_ns"]["schema"]["maximum"] == greatest_ns
    found = served.get(path, from_ns=greatest_ns)
    assert (found["from_ns"], found["to_ns"]) == (greatest_ns, greatest_ns + 1)
    for most in (1, 2, parameters["buckets"]["schema"]["maximum"]):
        edges = bucket_edges(0, greatest_ns, most)
        assert edges[-1] >= greatest_ns and (edges[1:] > edges[:-1]).all()
