"""Flame graphs of a trace whose every figure is known, and of large ones against plain sums."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from known_trace import MS, weight_of
from synthetic_trace import synthetic_trace
from trace_encoder import TraceEncoder

import memlyze
from memlyze.analyses.flamegraph import FlameGraph, Measure, flamegraph
from memlyze.analyses.selection import END_NS, Selection
from memlyze.errors import MemlyzeError
from memlyze.query.session import Trace


def spelled(graph: FlameGraph) -> dict[tuple[str, ...], tuple[float, float]]:
    """Bytes and own bytes of each node, by the functions from the root to it."""
    paths: list[tuple[str, ...]] = []
    found = {}
    for node in graph.nodes:
        above = paths[node.parent] if node.parent >= 0 else ()
        path = above if node.frame < 0 else (*above, graph.frames[node.frame].function)
        paths.append(path)
        found[path] = (node.bytes.value, node.self_bytes.value)
    assert len(found) == len(graph.nodes)
    return found


def test_every_node_has_what_it_and_its_callees_allocated(known: Trace) -> None:
    graph = flamegraph(known)
    assert spelled(graph) == {
        (): (1550, 0),
        ("main",): (1050, 150),
        ("main", "load"): (900, 400),
        ("main", "load", "decode"): (500, 500),
        ("<unknown>",): (500, 500),
    }
    assert [node.allocations.value for node in graph.nodes] == [6, 5, 3, 2, 1]
    assert all(node.bytes.error == 0 for node in graph.nodes)
    assert not graph.is_cut


def test_inverted_graph_has_the_callers_beneath(known: Trace) -> None:
    assert spelled(flamegraph(known, inverted=True)) == {
        (): (1550, 0),
        ("decode",): (500, 0),
        ("decode", "load"): (500, 0),
        ("decode", "load", "main"): (500, 500),
        ("<unknown>",): (500, 500),
        ("load",): (400, 0),
        ("load", "main"): (400, 400),
        ("main",): (150, 150),
    }


def test_live_at_a_moment_counts_what_was_made_and_not_yet_freed(known: Trace) -> None:
    assert spelled(flamegraph(known, measure=Measure(live_at_ns=8 * MS))) == {
        (): (700, 0),
        ("main",): (700, 100),
        ("main", "load"): (600, 400),
        ("main", "load", "decode"): (200, 200),
    }


def test_born_in_a_spike_and_still_alive(known: Trace) -> None:
    spike = Selection(from_ns=2 * MS, to_ns=12 * MS)
    born = spelled(flamegraph(known, selection=spike))
    alive = spelled(flamegraph(known, selection=spike, measure=Measure(live_at_ns=END_NS)))
    assert born[()] == (1400, 0)
    assert alive == {
        (): (900, 0),
        ("<unknown>",): (500, 500),
        ("main",): (400, 0),
        ("main", "load"): (400, 400),
    }


def test_temporary_allocations_are_those_freed_soon(known: Trace) -> None:
    assert spelled(flamegraph(known, measure=Measure(within_ns=MS)))[()] == (300, 0)
    assert spelled(flamegraph(known, measure=Measure(within_ns=7 * MS)))[()] == (500, 0)


def test_difference_of_two_moments_has_both_and_what_is_gone(known: Trace) -> None:
    graph = flamegraph(known, measure=Measure(live_at_ns=END_NS), before=Measure(live_at_ns=8 * MS))
    both = {
        path: (value, node.before_bytes.value)
        for (path, (value, _)), node in zip(spelled(graph).items(), graph.nodes)
        if node.before_bytes is not None
    }
    assert both == {
        (): (1050, 700),
        ("main",): (550, 700),
        ("main", "load"): (400, 600),
        ("main", "load", "decode"): (0, 200),
        ("<unknown>",): (500, 0),
    }


def test_threads_and_windows_stand_above_the_outermost_frames(known: Trace) -> None:
    threads = spelled(flamegraph(known, group="thread"))
    assert threads[("MainThread",)] == (1050, 0)
    assert threads[("thread 71", "<unknown>")] == (500, 500)
    windows = spelled(flamegraph(known, group="window", inverted=True))
    assert windows[("inner",)] == (350, 0)
    assert windows[("no window",)] == (600, 0)
    assert windows[("inner", "decode", "load", "main")] == (300, 300)


def test_merging_leaves_out_what_is_not_to_be_told_apart(known: Trace) -> None:
    (file,) = {
        frame.file for frame in flamegraph(known, merge="file").frames if "srv" in frame.file
    }
    graph = flamegraph(known, merge="function")
    assert {frame.line for frame in graph.frames} == {None}
    assert spelled(graph) == spelled(flamegraph(known))
    modules = [frame.module or frame.file for frame in flamegraph(known, merge="module").frames]
    assert modules == ["main", "json.decoder", "<unknown>"]
    assert file == "/srv/app/main.py"


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(function="load"), 900),
        (Selection(function="l?ad", file="main.py"), 900),
        (Selection(file="decoder.py"), 500),
        (Selection(file="*.py"), 1050),
        (Selection(function="nothing"), 0),
        (Selection(thread="MainThread"), 1050),
        (Selection(thread=2), 500),
        (Selection(window="outer"), 900),
        (Selection(window="inner"), 350),
        (Selection(window=1, to_ns=3 * MS), 200),
        (Selection(process=7), 1550),
    ],
)
def test_selection(selection: Selection, expected: float, known: Trace) -> None:
    assert flamegraph(known, selection=selection).nodes[0].bytes.value == expected


def test_sampled_graph_has_error_bars(sampled: Trace) -> None:
    nodes = flamegraph(sampled).nodes
    assert nodes[0].bytes.value == pytest.approx(
        sum(size * weight_of(size) for size in (100, 200, 300, 400, 500, 50))
    )
    decode = next(node for node in nodes if node.samples == 2)
    variance = sum(size * size * weight_of(size) * (weight_of(size) - 1) for size in (200, 300))
    assert decode.bytes.error == pytest.approx(1.96 * math.sqrt(variance))


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"merge": "letter"}, "line, function, file, module"),
        ({"group": "core"}, "thread, process, window"),
        ({"selection": Selection(thread="nobody")}, "no thread 'nobody'.*MainThread"),
        ({"selection": Selection(window="none")}, "no window 'none'.*inner, outer"),
        ({"selection": Selection(process=3)}, "no process 3.*7"),
        ({"selection": Selection(from_ns=2, to_ns=1)}, "ends before it begins"),
    ],
)
def test_what_is_not_there_is_named(
    options: dict[str, object], complaint: str, known: Trace
) -> None:
    with pytest.raises(MemlyzeError, match=complaint):
        flamegraph(known, **options)  # type: ignore[arg-type]


def test_graph_of_an_empty_trace_is_its_root(tmp_path: Path) -> None:
    TraceEncoder({"process_id": 1}).write(tmp_path / "empty.mlyze")
    with memlyze.open(tmp_path / "empty.mlyze") as trace:
        for inverted in (False, True):
            graph = flamegraph(trace, inverted=inverted, group="thread")
            assert spelled(graph) == {(): (0, 0)}


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Trace:
    path = tmp_path_factory.mktemp("large") / "large.mlyze"
    synthetic_trace(30_000, stacks=400, interval_bytes=2000.0, rate=0.1).write(path)
    return memlyze.open(path)


@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("merge", ["line", "function"])
def test_graph_is_what_adding_up_each_stack_gives(inverted: bool, merge: str, large: Trace) -> None:
    expected: dict[tuple[object, ...], float] = {}
    frames = {
        row[0]: (row[1], row[2], row[3] if merge == "line" else None)
        for row in large.sql("SELECT frame_id, function, file, line FROM frames").fetchall()
    }
    rows = large.sql("""
        SELECT stack_id, any_value(bytes), list(frame_id ORDER BY depth DESC)
        FROM (SELECT stack_id, sum(bytes) AS bytes FROM allocations GROUP BY ALL)
        JOIN stack_frames USING (stack_id)
        GROUP BY ALL
    """).fetchall()
    for _, size, stack in rows:
        path = [frames[frame] for frame in stack]
        if inverted:
            path.reverse()
        for depth in range(len(path) + 1):
            key = tuple(path[:depth])
            expected[key] = expected.get(key, 0) + size

    graph = flamegraph(large, merge=merge, inverted=inverted, nodes=1_000_000)
    paths: list[tuple[object, ...]] = []
    for node in graph.nodes:
        frame = graph.frames[node.frame][:3] if node.frame >= 0 else None
        paths.append((*paths[node.parent], frame) if frame else ())
    assert {path: node.bytes.value for path, node in zip(paths, graph.nodes)} == pytest.approx(
        expected
    )


@pytest.mark.parametrize("inverted", [False, True])
def test_cut_graph_has_the_greatest_nodes(inverted: bool, large: Trace) -> None:
    whole = flamegraph(large, inverted=inverted, nodes=1_000_000)
    cut = flamegraph(large, inverted=inverted, nodes=50)
    assert (whole.is_cut, cut.is_cut, len(cut.nodes)) == (False, True, 50)
    greatest = sorted((node.bytes.value for node in whole.nodes), reverse=True)[:50]
    assert sorted((node.bytes.value for node in cut.nodes), reverse=True) == pytest.approx(greatest)
    assert all(0 <= node.parent < place for place, node in enumerate(cut.nodes) if place)
