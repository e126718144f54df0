"""`memlyze leaks` over traces in every state."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from command_line import Runner
from lives_trace import FIRST_ID, MS, Life, lives_trace, write_lives
from trace_encoder import TraceEncoder

from memlyze.trace.format import RESIDENT_CATEGORY_NAMES

GROWING = [Life("leak", at, None, 2000) for at in range(20, 2000, 2)]
STAYING = [Life("load", at, None, 20_000) for at in range(10, 100)]


def test_growing_site_is_shown_with_its_evidence(memlyze: Runner, tmp_path: Path) -> None:
    write_lives(tmp_path / "t.mlyze", GROWING + STAYING)
    result = memlyze("leaks", "t.mlyze")
    assert (result.returncode, result.stderr) == (0, "")
    assert "1 site grows without bound" in result.stdout
    assert "/srv/app/main.py:10 leak" in result.stdout
    assert "load" not in result.stdout
    assert "load" in memlyze("leaks", "--all", "t.mlyze").stdout


def test_lines_of_one_leak_are_shown_as_one(memlyze: Runner, tmp_path: Path) -> None:
    lives = [
        Life(name, at, None, 2000, held_by="SEEN")
        for name, every in (("fast", 2), ("slow", 6))
        for at in range(20, 2000, every)
    ]
    write_lives(tmp_path / "t.mlyze", lives)
    shown = memlyze("leaks", "t.mlyze").stdout
    assert re.search(r"2 sites grow without bound, by .*: 1 leak, by what holds them\n", shown)
    assert shown.count("confidence") == shown.count("held by") == 1
    assert re.search(r"held with it +/srv/app/main.py:20 slow: 645 KiB live, growing by", shown)


def test_a_small_share_that_stays_is_not_called_none(memlyze: Runner, tmp_path: Path) -> None:
    passing = [Life("leak", at, at + 1, 600_000) for at in range(20, 2000, 2)]
    write_lives(tmp_path / "t.mlyze", GROWING + passing)
    result = memlyze("leaks", "t.mlyze")
    assert "1 site grows without bound" in result.stdout
    survival = next(line for line in result.stdout.splitlines() if "survival" in line)
    assert survival.split("survival")[1].split(";")[0].strip() == (
        "<1 % of what was allocated stays"
    )
    assert set(survival.split("by age: ")[1].split()) <= {"<1", "–", "%"}


def test_leaks_as_json_has_all_verdicts(memlyze: Runner, tmp_path: Path) -> None:
    write_lives(tmp_path / "t.mlyze", GROWING + STAYING)
    found = json.loads(memlyze("leaks", "--json", "t.mlyze").stdout)
    assert [(site["function"], site["verdict"]) for site in found["sites"]] == [
        ("leak", "growing"),
        ("load", "one_time"),
    ]
    assert found["judged"]["growing"] == 1
    assert found["sites"][0]["live_bytes"] == {"value": 990 * 2000, "error": 0}


def test_what_grew_in_a_short_phase_and_has_much_of_what_is_live_is_told_with_its_time(
    memlyze: Runner, tmp_path: Path
) -> None:
    """A server that was idle, had its load for a third of a second, and was idle again."""
    work = [(at, at * 1000, at) for at in range(0, 2001, 10)]
    load = [Life("leak", at, None, 20_000) for at in range(600, 900, 2)]
    write_lives(tmp_path / "t.mlyze", load + STAYING[:10], work=work)
    shown = memlyze("leaks", "t.mlyze").stdout
    assert "No site grows without bound." in shown
    place, span = re.findall(
        r"(\S+ \S+) has 2.86 MiB of what is live; it grew from .* to .*, and not since: a leak, "
        r"if .*; that time alone: memlyze leaks --time (\S+) t\.mlyze\n",
        shown,
    )[0]
    assert place == "/srv/app/main.py:10 leak"
    assert "1 site grows without bound" in memlyze("leaks", "--time", span, "t.mlyze").stdout
    assert f"memlyze leaks --time {span}" in memlyze("report", "--markdown", "t.mlyze").stdout
    stopped = json.loads(memlyze("leaks", "--json", "t.mlyze").stdout)["grew_until_stopped"]
    assert abs(stopped["began_ns"] - 600 * MS) < 20 * MS
    assert abs(stopped["stopped_ns"] - 900 * MS) < 20 * MS


@pytest.mark.parametrize(
    "lives",
    [
        [Life("load", 600, None, 4 << 20)],
        [Life("load", at, None, 1 << 20) for at in (600, 601, 602)],
        [Life("load", at, None, 100) for at in range(600, 900)],
        [
            *(Life("load", at, None, 20_000) for at in range(600, 900, 2)),
            Life("more", 10, None, 16 << 20),
        ],
    ],
    ids=["at once", "in a moment", "little", "little of all"],
)
def test_what_was_built_in_another_way_is_not_spoken_of(
    lives: list[Life], memlyze: Runner, tmp_path: Path
) -> None:
    work = [(at, at * 1000, at) for at in range(0, 2001, 10)]
    write_lives(tmp_path / "t.mlyze", lives, work=work)
    assert "--time" not in memlyze("leaks", "t.mlyze").stdout


@pytest.mark.parametrize(
    ("unexplained_mib", "library"), [(9, "libarrow.so.26"), (9, "b.so"), (1, "b.so")]
)
def test_memory_of_which_nothing_is_seen_is_spoken_of_where_it_is_much(
    unexplained_mib: int, library: str, memlyze: Runner, tmp_path: Path
) -> None:
    named = [{"name": "mimalloc", "file": f"/srv/{library}"}]
    trace = lives_trace(GROWING, more_metadata={"invisible_allocators": named})
    sizes = {"python_objects": 30 - unexplained_mib, "unexplained": unexplained_mib}
    for name, size in sizes.items():
        category = RESIDENT_CATEGORY_NAMES.index(name)
        row = {"time_ns": 1990 * MS, "category": category, "resident_bytes": size << 20}
        trace.add("resident", [row])
    trace.write(tmp_path / "t.mlyze")
    text = (
        f"Not seen: blocks of mimalloc in {library}. 9.00 MiB of the 30.0 MiB that were resident "
        "at 1.99 s are unexplained and may be theirs"
    )
    shown, unseen = (memlyze("leaks", *options, "t.mlyze").stdout for options in ((), ("--json",)))
    is_much = unexplained_mib == 9
    assert (text in shown) == is_much
    assert (text in memlyze("report", "--markdown", "t.mlyze").stdout) == is_much
    assert (json.loads(unseen)["unseen"] is not None) == is_much
    assert ("ARROW_DEFAULT_MEMORY_POOL=system" in shown) == ("arrow" in library)


@pytest.mark.parametrize(("grown_mib", "other_mib"), [(3, 2), (3, 4), (0, 0)])
def test_memory_of_which_nothing_is_seen_is_spoken_of_where_most_of_the_growth_is_its(
    grown_mib: int, other_mib: int, memlyze: Runner, tmp_path: Path
) -> None:
    named = [{"name": "mimalloc", "file": "/srv/b.so"}]
    trace = lives_trace(GROWING, more_metadata={"invisible_allocators": named})
    for at, objects, unexplained in ((1000, 80, 2), (1990, 80 + other_mib, 2 + grown_mib)):
        for name, size in (("python_objects", objects), ("unexplained", unexplained)):
            category = RESIDENT_CATEGORY_NAMES.index(name)
            row = {"time_ns": at * MS, "category": category, "resident_bytes": size << 20}
            trace.add("resident", [row])
    trace.write(tmp_path / "t.mlyze")
    shown = memlyze("leaks", "t.mlyze").stdout
    assert ("Not seen" in shown) == (grown_mib > other_mib)
    said = "5.00 MiB of the 87.0 MiB that were resident at 1.99 s are unexplained and may be theirs"
    assert (f"{said}, 3.00 MiB more than at 1.00 s." in shown) == (grown_mib > other_mib)


def held_by_log(lives: list[Life], *checkpoints: tuple[int, str]) -> TraceEncoder:
    """app.LOG is a list of what the site allocated, at the first of the checkpoints (time in ms and
    reason); later ones have no objects.
    """
    trace = lives_trace(lives)
    count = len(lives)
    names = ("module", "dict", "str", "list", "app.Entry")
    trace.add("object_types", [{"type_id": k + 1, "name": name} for k, name in enumerate(names)])
    trace.add("object_names", [{"name_id": 1, "name": "__dict__"}])
    types = [1, 2, 3, 4] + [5] * count
    objects = [{"object_id": k + 1, "type_id": of, "size": 1000} for k, of in enumerate(types)]
    for number, row in enumerate(objects):
        row["length"] = count if number == 3 else -1
        row["allocation_id"] = FIRST_ID + number - 4 if number >= 4 else 0
    trace.add("objects", objects)
    references = [
        {"from_id": 1, "to_id": 2, "how": 1, "number": 1},
        {"from_id": 2, "to_id": 3, "how": 2},
        {"from_id": 2, "to_id": 4, "how": 3},
    ]
    items = [{"from_id": 4, "to_id": 5 + k, "how": 4, "number": k} for k in range(count)]
    trace.add("object_references", references + items)
    texts = {1: "app", 3: "'LOG'"}
    trace.add("object_texts", [{"object_id": k, "text": text} for k, text in texts.items()])
    trace.add("object_roots", [{"object_id": 1, "name": "app"}])
    for number, (at, reason) in enumerate(checkpoints, 1):
        row = {"checkpoint_id": number, "time_ns": at * MS, "first_object_id": 1, "reason": reason}
        if number == 1:
            row["object_count"] = len(objects)
        else:
            row["first_object_id"] = len(objects) + 1
        trace.add("checkpoints", [row])
    return trace


def test_suspect_is_shown_with_who_holds_it(memlyze: Runner, tmp_path: Path) -> None:
    held_by_log(GROWING, (2000, "exit")).write(tmp_path / "t.mlyze")
    count = len(GROWING)
    result = memlyze("leaks", "t.mlyze")
    assert (result.returncode, result.stderr) == (0, "")
    assert f"app.LOG → list[{count}], with which 968 KiB would be freed" in result.stdout
    assert "100 %  app.LOG → [0] → Entry" in result.stdout
    assert f"recorded of it: {count} objects of app.Entry" in result.stdout
    found = json.loads(memlyze("leaks", "--json", "t.mlyze").stdout)
    (site,) = found["sites"]
    assert site["holders"]["holder"]["type"] == "list"
    assert site["holders"]["shortest"]["root"] == "module"
    assert (site["holders"]["objects"], site["holders"]["retained_bytes"]) == (count, count * 1000)


def test_what_was_freed_is_held_as_an_earlier_checkpoint_saw_it(
    memlyze: Runner, tmp_path: Path
) -> None:
    lives = [life._replace(died_ms=1990) for life in GROWING if life.born_ms < 1980]
    trace = held_by_log(lives, (1985, "checkpoint"), (1995, "exit"))
    trace.write(tmp_path / "t.mlyze")
    told = memlyze("leaks", "t.mlyze").stdout
    assert "1 site grew until the program let go of it" in told
    assert re.search(rf"held by +app\.LOG → list\[{len(lives)}\], with which", told)


def test_what_grew_until_it_was_freed_is_a_suspect(memlyze: Runner, tmp_path: Path) -> None:
    lives = [Life("frames", at, 1990, 2000) for at in range(20, 1980, 2)]
    trace = lives_trace(lives)
    trace.add("checkpoints", [{"checkpoint_id": 1, "time_ns": 1995 * MS, "reason": "exit"}])
    trace.write(tmp_path / "t.mlyze")
    result = memlyze("leaks", "t.mlyze")
    assert (result.returncode, result.stderr) == (0, "")
    assert "No site grows without bound to the end." in result.stdout
    told = re.search(r"1 site grew until the program let go of it at 1\.9\d s, (.*)", result.stdout)
    assert told is not None
    assert told[1] == (
        "1.87 MiB in all, by 978 KiB per second: a leak, if the program is meant to run on."
    )
    assert "/srv/app/main.py:10 frames" in result.stdout
    assert (
        "held by     not known: the heap was recorded at 2.00 s, after it was freed"
        in result.stdout
    )


def test_suspect_of_a_process_without_a_checkpoint_says_why(
    memlyze: Runner, tmp_path: Path
) -> None:
    write_lives(tmp_path / "t.mlyze", GROWING)
    told = memlyze("leaks", "t.mlyze").stdout
    assert re.search(r"held by +not known: of process \d+ no heap was recorded", told)
    assert "call memlyze.checkpoint(), or set checkpoint_signal and send it" in told


@pytest.mark.parametrize(
    "lost", ["object_types", "objects", "object_references", "object_roots", "checkpoints"]
)
def test_holders_are_not_known_where_a_part_of_the_heap_is_lost(
    lost: str, memlyze: Runner, tmp_path: Path
) -> None:
    content = held_by_log(GROWING, (2000, "exit")).damaged(lost)
    (tmp_path / "t.mlyze").write_bytes(content)
    told = memlyze("leaks", "t.mlyze").stdout
    assert "1 site grows without bound" in told
    assert re.search(r"held by +not known: the heap of process \d+ was recorded, and a part", told)
    assert "waits for the collector" not in told
    (site,) = json.loads(memlyze("leaks", "--json", "t.mlyze").stdout)["sites"]
    assert (site["holders"], site["is_checkpoint_damaged"]) == (None, True)


@pytest.mark.parametrize("lost", ["object_names", "object_texts", "memory"])
def test_holders_are_known_where_but_names_are_lost(
    lost: str, memlyze: Runner, tmp_path: Path
) -> None:
    trace = held_by_log(GROWING, (2000, "exit"))
    trace.add("memory", [{"time_ns": 5, "rss": 1000}])
    (tmp_path / "t.mlyze").write_bytes(trace.damaged(lost))
    assert ", with which 968 KiB would be freed" in memlyze("leaks", "t.mlyze").stdout


@pytest.mark.parametrize("is_first", [True, False])
def test_holders_are_not_known_where_a_lost_block_may_have_been_of_the_heap(
    is_first: bool, memlyze: Runner, tmp_path: Path
) -> None:
    """Without an index nobody knows what stood in a gap: it counts where the heap was written."""
    trace = held_by_log(GROWING, (2000, "exit"))
    content = trace.to_bytes(complete=False)
    starts = trace.block_offsets
    lost = 0 if is_first else len(starts) - 3
    (tmp_path / "t.mlyze").write_bytes(content[: starts[lost]] + content[starts[lost + 1] :])
    told = memlyze("leaks", "t.mlyze").stdout
    assert "1 block cannot be found" in told
    assert "and a part of it is damaged in the trace" in told


def test_whole_checkpoint_is_asked_where_a_later_one_is_damaged(
    memlyze: Runner, tmp_path: Path
) -> None:
    trace = held_by_log(GROWING, (2000, "checkpoint"))
    trace.add("object_roots", [{"object_id": 2000, "name": "app"}])
    row = {"checkpoint_id": 2, "time_ns": 2001 * MS, "first_object_id": 2000, "object_count": 1}
    trace.add("checkpoints", [row])
    content = bytearray(trace.to_bytes())
    content[trace.block_offsets[-2] + 50] ^= 0xFF
    (tmp_path / "t.mlyze").write_bytes(content)
    told = memlyze("leaks", "t.mlyze").stdout
    assert "1 object_roots block is unreadable" in told
    assert "app.LOG → list[990], with which 968 KiB would be freed" in told


def test_nothing_to_judge_is_said(memlyze: Runner, tmp_path: Path) -> None:
    write_lives(tmp_path / "t.mlyze", [])
    result = memlyze("leaks", "t.mlyze")
    assert (result.returncode, result.stderr) == (0, "")
    assert "Nothing to judge" in result.stdout


def test_wrong_options_are_refused_in_one_line(memlyze: Runner, tmp_path: Path) -> None:
    write_lives(tmp_path / "t.mlyze", [])
    for words in (["--sites", "-1"], ["--site", "file"]):
        result = memlyze("leaks", *words, "t.mlyze")
        assert result.returncode == 2
        assert len(result.stderr.splitlines()) == 1


def test_a_part_of_the_recording_is_judged(memlyze: Runner, tmp_path: Path) -> None:
    """What grew has stopped in the middle: of the first half that is not known."""
    work = [(at, at * 1000, at) for at in range(0, 2001, 10)]
    write_lives(tmp_path / "t.mlyze", [life for life in GROWING if life.born_ms < 1000], work=work)
    assert "No site grows without bound" in memlyze("leaks", "t.mlyze").stdout
    assert "had stopped by" not in memlyze("leaks", "t.mlyze").stdout  # not most of the time
    assert "1 site grows without bound" in memlyze("leaks", "--time", "..1s", "t.mlyze").stdout
    assert "Nothing to judge" in memlyze("leaks", "--time", "1.5s..", "t.mlyze").stdout
    result = memlyze("leaks", "--time", "1.5s..1s", "t.mlyze")
    assert (result.returncode, result.stdout) == (2, "")


def test_what_grows_in_all_workers_is_shown_once(memlyze: Runner, tmp_path: Path) -> None:
    for number in (8, 9):
        path = tmp_path / f"{number}.mlyze"
        write_lives(path, GROWING, process_id=number, started_by="fork")
    shown = memlyze("leaks", "8.mlyze", "9.mlyze").stdout
    assert shown.count("/srv/app/main.py:10 leak  in 2 processes") == 1
    assert "in 2 processes" in memlyze("report", "--markdown", "8.mlyze", "9.mlyze").stdout


def test_what_workers_left_that_are_replaced_is_not_called_live(
    memlyze: Runner, tmp_path: Path
) -> None:
    for number, start_s in ((8, 0), (9, 60)):
        start = {"start_time_unix_ns": 10**18 + start_s * 10**9}
        path = tmp_path / f"{number}.mlyze"
        write_lives(path, GROWING, process_id=number, started_by="fork", **start)
    shown = memlyze("leaks", "8.mlyze", "9.mlyze").stdout
    assert "/srv/app/main.py:10 leak  in 2 processes, 1 at once" in shown
    assert "left in all" in shown and "over each life" in shown and " live " not in shown
    markdown = memlyze("report", "--markdown", "8.mlyze", "9.mlyze").stdout
    assert " left in all, " in markdown and "in 2 processes, 1 at once" in markdown


def test_what_grew_for_most_of_the_time_is_told_with_the_time_to_judge(
    memlyze: Runner, tmp_path: Path
) -> None:
    work = [(at, at * 1000, at) for at in range(0, 2001, 10)]
    lives = [life for life in GROWING if life.born_ms < 1300]
    write_lives(tmp_path / "t.mlyze", [*lives, *STAYING], work=work)
    shown = memlyze("leaks", "t.mlyze").stdout
    (place, moment) = re.findall(
        r"1 site grew for most of the time and had stopped by .*: (\S+ \S+), .*; "
        r"what ran until then: memlyze leaks --time \.\.(.*) t\.mlyze\n",
        shown,
    )[0]
    assert place == "/srv/app/main.py:10 leak"
    assert (
        "1 site grows without bound" in memlyze("leaks", "--time", f"..{moment}", "t.mlyze").stdout
    )
    markdown = memlyze("report", "--markdown", "t.mlyze").stdout
    assert re.search(r"had stopped by .*: `leak .*main\.py:10`, .*`memlyze leaks --time", markdown)
    stopped = json.loads(memlyze("leaks", "--json", "t.mlyze").stdout)["grew_until_stopped"]
    assert stopped["sites"] == 1
    assert (stopped["function"], stopped["line"]) == ("leak", 10)
    assert abs(stopped["stopped_ns"] - 1300 * MS) < 20 * MS
