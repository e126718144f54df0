"""Differences between recordings whose every figure is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from known_trace import write_known_trace
from lives_trace import MS, Life, write_lives
from trace_encoder import EXACT_SAMPLING, Allocation, Free, Run, TraceEncoder

import memlyze
from memlyze.analyses.command_lines import program_of
from memlyze.analyses.diff import Diff, diff
from memlyze.analyses.estimates import Estimate
from memlyze.analyses.flame_difference import flame_difference
from memlyze.analyses.flamegraph import FlameGraph, graph_of
from memlyze.analyses.normalised import Place
from memlyze.analyses.selection import Selection
from memlyze.analyses.thresholds import judge, parse_threshold
from memlyze.errors import MemlyzeError
from memlyze.wording.changes import place_text, unlike_texts

FIRST_ID = 65536
FUNCTIONS = {2: "main", 3: "load", 4: "visit", 5: "_find_and_load"}


def write(
    path: Path,
    sizes: dict[int, int],
    *,
    moved_by: int = 0,
    folder: str = "/srv/app",
    interval: float = 0.0,
    freed: tuple[int, ...] = (),
    depth: int = 1,
    rss: int | None = 1000,
    script: str = "app.py",
    command: tuple[str, ...] = (),
    imported: str | None = None,
) -> str:
    """A trace of one allocation of each of the stacks main (1), main > load (2), main > visit
    `depth` times (3), and main > import system > load (4). All are in the file `script`, but for
    `load` in `imported` where that is given.
    """
    sampling = dict(EXACT_SAMPLING)
    if interval:
        sampling.update(interval_bytes=interval, rate=0.0)
    metadata: dict[str, Any] = {
        "process_id": 7,
        "python_path": [folder],
        "working_directory": folder,
        "command_line": ["/usr/bin/python3", *command],
        "sample_rate": 0.0 if interval else 1.0,
        "sample_interval": interval,
        "end_ns": 100,
    }
    trace = TraceEncoder(metadata, samplings=[sampling])
    for code_id, function in FUNCTIONS.items():
        file = "<frozen importlib>" if function == "_find_and_load" else f"{folder}/{script}"
        if function == "load" and imported:
            file = f"{folder}/{imported}"
        if script.startswith(("<", "/")):
            file = script
        trace.add(
            "codes",
            [
                {
                    "code_id": code_id,
                    "function": function,
                    "file": file,
                    "first_line": 10 * code_id + moved_by,
                }
            ],
        )
    rows = [
        {"stack_id": 1, "parent_id": 0, "code_id": 2},
        {"stack_id": 2, "parent_id": 1, "code_id": 3},
        {"stack_id": 5, "parent_id": 1, "code_id": 5},
        {"stack_id": 4, "parent_id": 5, "code_id": 3},
        {"stack_id": 10, "parent_id": 1, "code_id": 4},
    ]
    rows += [
        {"stack_id": 10 + k, "parent_id": 9 + k, "code_id": 4, "instruction": 2 * k}
        for k in range(1, depth)
    ]
    trace.add("stacks", rows)
    stacks = {1: 1, 2: 2, 3: 9 + depth, 4: 4}
    runs = []
    for k, (stack, size) in enumerate(sizes.items()):
        runs.append(Run(1, k, FIRST_ID + k, [Allocation(size, stacks[stack])]))
    for stack in freed:
        place = list(sizes).index(stack)
        runs.append(Run(1, 50, FIRST_ID + len(sizes), [Free(FIRST_ID + place)]))
    trace.add_runs(runs)
    if rss is not None:
        trace.add("memory", [{"time_ns": 1, "rss": rss}])
    trace.write(path)
    return str(path)


def compare(before: str, after: str, **options: Any) -> Diff:
    with memlyze.open(before) as first, memlyze.open(after) as second:
        return diff(first, second, **options)


def changes(found: Diff) -> dict[str, tuple[float, float]]:
    return {
        row.place.function or row.place.module: (
            row.figure.before.value,
            row.figure.after.value,
        )
        for row in found.rows
    }


def test_functions_are_compared_by_what_was_live_at_the_peak(tmp_path: Path) -> None:
    before = write(tmp_path / "a.mlyze", {1: 100, 2: 200})
    after = write(tmp_path / "b.mlyze", {1: 100, 2: 260, 3: 7}, freed=(2,))
    found = compare(before, after)
    assert changes(found) == {"load": (200, 260), "visit": (0, 7), "main": (100, 100)}
    assert found.row_count == 3
    assert found.beyond_chance_count == 2
    assert changes(compare(before, after, measure="live"))["load"] == (200, 0)
    assert changes(compare(before, after, measure="allocations"))["load"] == (1, 1)
    assert changes(compare(before, after, by="module")) == {"app": (300, 367)}


def test_moved_lines_and_folders_are_the_same_code(tmp_path: Path) -> None:
    before = write(tmp_path / "a.mlyze", {1: 100, 2: 200, 3: 5})
    after = write(tmp_path / "b.mlyze", {1: 100, 2: 200, 3: 5}, moved_by=3, folder="/home/me/work")
    for by in ("stack", "function", "module"):
        found = compare(before, after, by=by)
        assert found.beyond_chance_count == 0
        assert all(row.figure.change == Estimate(0, 0) for row in found.rows)
    load = next(row for row in compare(before, after).rows if row.place.function == "load")
    assert load.position_before == ("/srv/app/app.py", 30)
    assert load.position_after == ("/home/me/work/app.py", 33)


@pytest.mark.parametrize(
    ("script", "command"),
    [
        ("fixed.py", ("fixed.py",)),
        ("fixed.py", ("-X", "dev", "./fixed.py", "--verbose")),
        ("shop/jobs.py", ("-m", "shop.jobs")),
        ("shop/__main__.py", ("-m", "shop")),
        ("shop/__main__.py", ("shop/",)),
        ("<string>", ("-c", "main()")),
        ("bin/serve", ("/srv/app/bin/serve",)),
    ],
)
def test_a_script_of_another_name_is_the_same_place(
    tmp_path: Path, script: str, command: tuple[str, ...]
) -> None:
    before = write(tmp_path / "a.mlyze", {1: 100, 2: 200}, command=("app.py",))
    after = write(tmp_path / "b.mlyze", {1: 100, 2: 260}, script=script, command=command)
    found = compare(before, after)
    assert changes(found) == {"main": (100, 100), "load": (200, 260)}
    assert {row.place.module for row in found.rows} == {"__main__"}
    assert changes(compare(before, after, by="module")) == {"__main__": (300, 360)}
    load = found.rows[0]
    file = script if script.startswith("<") else script.rsplit("/", 1)[-1]
    assert file in place_text(load)
    assert "app.py → " in place_text(load)
    assert "app.py → " in place_text(compare(before, after, by="module").rows[0])
    with memlyze.open(before) as first, memlyze.open(after) as second:
        graph = graph_of(flame_difference(first, second))
    assert sorted(frame.function for frame in graph.frames) == ["load", "main"]


def test_a_script_is_compared_by_its_name_where_the_other_recording_imports_it(
    tmp_path: Path,
) -> None:
    before = write(tmp_path / "a.mlyze", {1: 100, 2: 200}, command=("app.py",))
    after = write(
        tmp_path / "b.mlyze",
        {1: 9, 2: 260},
        script="run.py",
        command=("run.py",),
        imported="app.py",
    )
    for pair, figures in (((before, after), (200, 260)), ((after, before), (260, 200))):
        by_place = {row.place: row.figure for row in compare(*pair).rows}
        load = by_place[Place("app", "load")]
        assert (load.before.value, load.after.value) == figures
        assert {Place("app", "main"), Place("run", "main")} <= by_place.keys()


def test_a_command_is_no_module_of_its_name(tmp_path: Path) -> None:
    """`bin/serve` starts what is in `serve.py`, or in the package `serve`."""
    command = "/srv/venv/bin/serve"
    before = write(tmp_path / "a.mlyze", {1: 100, 2: 200}, command=("app.py",), imported="serve.py")
    after = write(tmp_path / "b.mlyze", {1: 130}, script=command, command=(command,))
    by_place = {row.place: row.figure for row in compare(before, after).rows}
    main = by_place[Place("__main__", "main")]
    assert (main.before.value, main.after.value) == (100, 130)
    assert Place("serve", "load") in by_place


def test_what_a_package_does_when_imported_is_not_of_the_script(tmp_path: Path) -> None:
    before = write(tmp_path / "a.mlyze", {1: 100}, command=("app.py",))
    after = write(tmp_path / "b.mlyze", {1: 130}, script="shop/__init__.py", command=("-m", "shop"))
    assert {row.place.module for row in compare(before, after).rows} == {"app", "shop"}


def test_scripts_of_one_name_keep_it(tmp_path: Path) -> None:
    before = write(tmp_path / "a.mlyze", {1: 100}, command=("app.py",))
    after = write(tmp_path / "b.mlyze", {1: 100}, command=("app.py",), folder="/home/me")
    assert compare(before, after).rows[0].place == Place("app", "main")


def test_what_is_not_of_the_script_is_not_paired_by_it(tmp_path: Path) -> None:
    paths = [
        write(tmp_path / f"{name}.mlyze", {2: 50}, script=f"{name}.py", command=(f"{name}.py",))
        for name in ("one", "two")
    ]
    other = write(
        tmp_path / "c.mlyze", {2: 50}, script="c.py", command=("c.py",), imported="helper.py"
    )
    assert changes(compare(*paths)) == {"load": (50, 50)}
    by_place = {row.place for row in compare(paths[0], other).rows}
    assert by_place == {Place("__main__", "load"), Place("helper", "load")}


def test_recursion_and_the_import_system_make_no_difference(tmp_path: Path) -> None:
    before = write(tmp_path / "a.mlyze", {2: 10, 3: 50}, depth=2)
    after = write(tmp_path / "b.mlyze", {4: 10, 3: 50}, depth=9)
    found = compare(before, after, by="stack")
    stacks = {(row.place, row.callers): row.figure.change.value for row in found.rows}
    assert stacks == {
        (Place("app", "load"), (Place("app", "main"),)): 0,
        (Place("app", "visit"), (Place("app", "main"),)): 0,
    }


def test_recursion_of_a_thousand_frames_is_no_trouble(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mlyze", {3: 50}, depth=3000)
    assert compare(path, path, by="stack").row_count == 1


def drawn(before: str, after: str, **options: Any) -> FlameGraph:
    with memlyze.open(before) as first, memlyze.open(after) as second:
        return graph_of(flame_difference(first, second, **options))


def spelled(graph: FlameGraph) -> dict[str, tuple[float, float]]:
    """What each node had and has, by the functions from the root to it."""
    names: list[str] = []
    for node in graph.nodes:
        name = "" if node.frame < 0 else f"/{graph.frames[node.frame].function}"
        names.append((names[node.parent] if node.parent >= 0 else "") + name)
    befores = [node.before_bytes for node in graph.nodes]
    assert None not in befores
    return {
        name: (before.value if before else 0.0, node.bytes.value)
        for name, before, node in zip(names, befores, graph.nodes)
    }


def test_graph_of_a_difference_is_one_tree_of_both(tmp_path: Path) -> None:
    before = write(tmp_path / "a.mlyze", {1: 100, 2: 200, 3: 5}, depth=2)
    after = write(tmp_path / "b.mlyze", {1: 100, 4: 260}, moved_by=3, folder="/home/me/work")
    graph = drawn(before, after)
    assert spelled(graph) == {
        "": (305, 360),
        "/main": (305, 360),
        "/main/load": (200, 260),
        "/main/visit": (5, 0),
    }
    files = {frame.function: frame.file for frame in graph.frames}
    assert files["load"] == "/home/me/work/app.py"
    assert graph.nodes[1].before_self_bytes == (100, 0)
    assert graph.nodes[0].bytes.error == 0


def test_graph_and_rows_of_a_difference_are_of_the_same_figures(tmp_path: Path) -> None:
    before = write(tmp_path / "a.mlyze", {1: 9000, 2: 200}, interval=1000.0, freed=(2,))
    after = write(tmp_path / "b.mlyze", {1: 100, 2: 2600, 3: 7}, interval=1000.0)
    for measure in ("peak", "live", "allocated"):
        total = compare(before, after, measure=measure).totals[measure]
        root = drawn(before, after, measure=measure).nodes[0]
        assert total is not None
        assert (root.before_bytes, root.bytes) == (total.before, total.after)


def test_inverted_graph_of_a_difference_begins_with_what_allocated(tmp_path: Path) -> None:
    before = write(tmp_path / "a.mlyze", {1: 100, 2: 200})
    after = write(tmp_path / "b.mlyze", {1: 100, 2: 260})
    found = spelled(drawn(before, after, inverted=True))
    assert found["/load/main"] == (200, 260)
    assert found["/main"] == (100, 100)


def test_graph_of_a_difference_of_nothing_is_a_root(tmp_path: Path) -> None:
    TraceEncoder({"process_id": 1}).write(tmp_path / "a.mlyze")
    path = str(tmp_path / "a.mlyze")
    assert spelled(drawn(path, path)) == {"": (0, 0)}
    one = write(tmp_path / "b.mlyze", {1: 100})
    assert spelled(drawn(path, one)) == {"": (0, 100), "/main": (0, 100)}
    with pytest.raises(MemlyzeError, match="peak, live, allocated"):
        drawn(one, one, measure="allocations")


def test_totals_are_of_both_recordings(tmp_path: Path) -> None:
    before = write(tmp_path / "a.mlyze", {1: 100, 2: 200}, freed=(1,), rss=5000)
    after = write(tmp_path / "b.mlyze", {1: 150}, rss=None)
    totals = compare(before, after).totals
    values = {
        name: change and (change.before.value, change.after.value)
        for name, change in totals.items()
    }
    assert values == {
        "allocated": (300, 150),
        "allocations": (2, 1),
        "live": (200, 150),
        "peak": (300, 150),
        "rss": None,
    }


def test_what_no_sample_was_drawn_of_is_not_new(tmp_path: Path) -> None:
    before = write(tmp_path / "a.mlyze", {1: 100_000}, interval=1000.0)
    after = write(tmp_path / "b.mlyze", {1: 100_000, 2: 900})
    found = compare(before, after)
    assert changes(found)["load"] == (0, 900)
    assert found.beyond_chance_count == 0
    load = next(row for row in found.rows if row.place.function == "load")
    assert load.has_too_few_samples
    assert load.figure.change.error > 900


def test_selection_is_for_both(tmp_path: Path) -> None:
    before = write(tmp_path / "a.mlyze", {1: 100, 2: 200})
    after = write(tmp_path / "b.mlyze", {1: 100, 2: 250})
    found = compare(before, after, selection=Selection(function="load"))
    assert changes(found) == {"load": (200, 250)}
    assert found.totals["allocated"] is not None
    assert found.totals["allocated"].before.value == 200


def test_empty_recordings_have_no_rows(tmp_path: Path) -> None:
    TraceEncoder({"process_id": 1}).write(tmp_path / "a.mlyze")
    path = str(tmp_path / "a.mlyze")
    found = compare(path, path, by="stack")
    assert (found.rows, found.row_count) == ((), 0)


def test_unknown_words_are_answered_with_those_there_are(tmp_path: Path) -> None:
    path = write_known_trace(tmp_path / "t.mlyze")
    with pytest.raises(MemlyzeError, match="stack, function, module"):
        compare(path, path, by="line")
    with pytest.raises(MemlyzeError, match="peak, live"):
        compare(path, path, measure="size")


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("live > +5%", "exceeded"),
        ("live > +25%", "kept"),
        ("live>+10B", "exceeded"),
        ("live > +0.1kB", "kept"),
        ("live > 230 b", "exceeded"),
        ("live > 1KiB", "kept"),
        ("allocations > +0", "kept"),
        ("allocations > 1", "exceeded"),
        ("rss > 0.9kB", "exceeded"),
        ("rss > +0%", "kept"),
    ],
)
def test_threshold_of_exact_recordings(text: str, outcome: str, tmp_path: Path) -> None:
    before = write(tmp_path / "a.mlyze", {1: 100, 2: 100})
    after = write(tmp_path / "b.mlyze", {1: 100, 2: 140})
    verdict = judge(parse_threshold(text), compare(before, after))
    assert verdict.outcome == outcome
    assert verdict.is_failure == (outcome == "exceeded")


def test_threshold_is_exceeded_only_beyond_chance(tmp_path: Path) -> None:
    before = write(tmp_path / "a.mlyze", {1: 900, 2: 900}, interval=1000.0)
    after = write(tmp_path / "b.mlyze", {1: 900, 2: 900, 3: 900}, interval=1000.0)
    verdict = judge(parse_threshold("live > +5%"), compare(before, after))
    assert (verdict.outcome, verdict.is_failure) == ("uncertain", False)


def test_anything_is_more_than_a_share_of_nothing(tmp_path: Path) -> None:
    TraceEncoder({"process_id": 1, "sample_rate": 1.0}).write(tmp_path / "a.mlyze")
    found = compare(str(tmp_path / "a.mlyze"), write(tmp_path / "b.mlyze", {1: 100}))
    assert judge(parse_threshold("live > +500%"), found).outcome == "exceeded"


def test_threshold_that_cannot_be_judged_fails(tmp_path: Path) -> None:
    before = write(tmp_path / "a.mlyze", {1: 100}, rss=None)
    verdict = judge(parse_threshold("rss > +5%"), compare(before, before))
    assert (verdict.outcome, verdict.is_failure) == ("unknown", True)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("size > 5%", "figures: allocated"),
        ("live > 5%", "a share is one of a change"),
        ("live < 5MB", "write it as"),
        ("live > +5 parsecs", "KiB, MiB or GiB"),
        ("allocations > 5MB", "k, M or G"),
        ("", "write it as"),
    ],
)
def test_what_is_no_threshold_is_answered_with_how_to_write_one(text: str, complaint: str) -> None:
    with pytest.raises(MemlyzeError, match=complaint):
        parse_threshold(text)


@pytest.mark.parametrize(
    ("command_line", "program"),
    [
        (["python", "/srv/app/main.py", "--port", "80"], "main.py"),
        (["/usr/bin/python3.11", "-X", "dev", "-O", "run.py"], "run.py"),
        (["python3.13t", "-W", "error", "-m", "package.tool", "x"], "-m package.tool"),
        (["python", "-c", "print(1)", "x"], "-c print(1)"),
        (["/venv/bin/gunicorn", "app:app"], "gunicorn"),
        (["python"], "python"),
        ([], ""),
    ],
)
def test_program_of_a_command_line(command_line: list[str], program: str) -> None:
    assert program_of(command_line) == program


def test_second_peak_that_may_be_the_first_is_told(tmp_path: Path) -> None:
    """Two phases of the same size: which of them is the peak is left to the samples."""
    for name, first, second in (("a", 100, 101), ("b", 101, 100)):
        lives = [Life("load", 100 + at, 800, 10_000) for at in range(first)]
        lives += [Life("transform", 1100 + at, 1800, 10_000) for at in range(second)]
        write_lives(tmp_path / f"{name}.mlyze", lives, interval_bytes=64 * 1024)
        write_lives(tmp_path / f"exact-{name}.mlyze", lives)

    def found(prefix: str, measure: str) -> Diff:
        paths = [tmp_path / f"{prefix}{name}.mlyze" for name in ("a", "b")]
        with memlyze.open(paths[0]) as before, memlyze.open(paths[1]) as after:
            return diff(before, after, measure=measure)

    sampled = found("", "peak")
    assert (sampled.peak_before_ns, sampled.rival_before_ns) == (1200 * MS, 199 * MS)
    assert (sampled.peak_after_ns, sampled.rival_after_ns) == (200 * MS, 1199 * MS)
    (text,) = unlike_texts(sampled)
    assert "at 1.20 s or 199 ms in the first and at 200 ms or 1.20 s in the second" in text
    assert unlike_texts(found("", "live")) == unlike_texts(found("exact-", "peak")) == []
