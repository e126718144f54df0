"""A trace of bounded size: what it keeps, what it says of the rest, and that it is always whole."""

from __future__ import annotations

import os
import random
import re
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from command_line import run_python
from native_programs import build
from recorded import Trace

import memlyze
from memlyze.errors import OptionError, TraceWriteError
from memlyze.parts import earlier_part, next_part
from memlyze.trace.family import find_family
from memlyze.trace.trace_file import TraceFile

BOUND_BYTES = 1 << 20
OPTIONS = {"max_trace_bytes": BOUND_BYTES, "references": False, "native": False}

CHURN = """
import os, random, sys, threading, time, memlyze
def block(size):
    return bytes(size - 33)  # what stands before and after the content
def work(number=random.Random(1)):
    for _ in range(200):
        kept = [bytes(number.randrange(1, 2_000)) for _ in range(50)]
def churn(parts):
    "Until so many parts have been begun: each is another file."
    begun, last = 0, os.stat(sys.argv[1]).st_ino
    while begun < parts:
        work()
        present = os.stat(sys.argv[1]).st_ino
        begun += present != last
        last = present
"""

KEEPS = (
    CHURN
    + """
kept = []
def keep():
    with memlyze.window("early"):
        for number in range(500):
            kept.append(block(10_001 + number))
thread = threading.Thread(target=keep, name="keeper")
thread.start()
thread.join()
churn(12)
del kept[:100]
churn(12)
kept.append(block(77_777))
"""
)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trace of `KEEPS`."""
    from programs import Programs

    programs = Programs(tmp_path_factory.mktemp("parts"))
    path = str(programs.trace_path)
    done = programs.run(KEEPS, path, options=OPTIONS)
    assert (done.stderr, done.status) == ("", 0)
    return programs.trace_path


def is_of_keep(size: int) -> bool:
    return 10_000 < size < 10_600


def test_size_is_bounded_and_both_parts_are_whole(kept: Path) -> None:
    parts = [kept, Path(earlier_part(str(kept)))]
    assert sorted(kept.parent.glob("*.mlyze")) == sorted(parts)
    assert sum(path.stat().st_size for path in parts) <= BOUND_BYTES
    for path in parts:
        trace = Trace(path)
        assert trace.is_complete
        assert not trace.damage
        assert not trace.frees_unmatched
        assert not trace.frees_repeated


def test_parts_are_read_as_one(kept: Path) -> None:
    earlier = TraceFile(earlier_part(str(kept)))
    with TraceFile(kept) as trace, earlier:
        first = earlier.metadata
        assert trace.metadata["part_start_ns"] == first["part_start_ns"] > 0
        dropped = first["events_before_part"]
        assert dropped > 100_000
        assert trace.event_count == trace.metadata["events_recorded"] - dropped
        ids = trace.table("allocations")["allocation_id"]
        assert len(set(ids.tolist())) == len(ids)
        assert trace.table("processes")["kept_from_ns"].tolist() == [first["part_start_ns"]]
        assert trace.metadata["stop_reason"] == "exit"


@pytest.mark.parametrize("which", ["both", "earlier"])
def test_live_blocks_are_kept_with_all_that_is_known_of_them(kept: Path, which: str) -> None:
    path = kept if which == "both" else Path(earlier_part(str(kept)))
    trace = Trace(path)
    blocks = [row for row in trace.own() if is_of_keep(row.size) and row.freed_ns == -1]
    assert len(blocks) == 400
    [window] = {trace.windows[row.window_id]["name"] for row in blocks}
    [thread] = {trace.threads[row.thread_id]["name"] for row in blocks}
    [stack] = {tuple(f.function for f in trace.stack(row.stack_id)) for row in blocks}
    assert (window, thread) == ("early", "keeper")
    assert stack[:2] == ("block", "keep")
    assert max(row.time_ns for row in blocks) < trace.metadata["part_start_ns"]


def test_last_part_says_the_same_when_it_is_moved_away_from_the_earlier_one(
    kept: Path, tmp_path: Path
) -> None:
    alone = tmp_path / "alone.mlyze"
    alone.write_bytes(kept.read_bytes())
    live = [
        sorted(row.allocation_id for row in Trace(path).allocations() if row.freed_ns == -1)
        for path in (kept, alone)
    ]
    assert live[0] == live[1]
    trace = Trace(alone)
    assert not trace.damage
    assert not trace.frees_unmatched
    assert trace.metadata["part_start_ns"] > Trace(kept).metadata["part_start_ns"]


def test_heap_of_the_memory_clock_is_that_of_the_live_blocks(kept: Path) -> None:
    trace = Trace(kept)
    live = sum(row.size for row in trace.allocations() if row.freed_ns == -1)
    assert trace.memory[-1]["heap_live"] == live


def test_info_and_summary_say_what_was_dropped(kept: Path) -> None:
    for command in ("info", "summary"):
        said = " ".join(run_python("-m", "memlyze", command, kept, cwd=kept.parent).stdout.split())
        assert "was dropped, to keep within max_trace_bytes" in said


def test_timeline_begins_where_everything_is_known(kept: Path) -> None:
    with memlyze.open(kept) as trace:
        from_ns = trace.sql("SELECT kept_from_ns FROM processes").fetchall()[0][0]
        slices = trace.sql("SELECT start_ns, live_bytes FROM timeline(buckets := 50)").fetchall()
        live = trace.sql("SELECT sum(bytes) FROM allocations WHERE freed_ns IS NULL").fetchall()
    assert slices[0][0] == from_ns
    assert slices[-1][1] == live[0][0]


def test_blocks_from_before_are_no_leak(programs: Any) -> None:
    """Of a cache only the survivors are known of the time that was dropped; it has not grown."""
    source = CHURN + (
        "cache, number = {}, random.Random(2)\n"
        "def store():\n"
        "    cache[number.randrange(300)] = bytes(5_000)\n"
        "original = random.Random.randrange\n"
        "class Storing(random.Random):\n"
        "    def randrange(self, *bounds):\n"
        "        if original(self, 30) == 0: store()\n"
        "        return original(self, *bounds)\n"
        "random.Random = Storing\n"
        "churn(20)\n"
    )
    done = programs.run(source, str(programs.trace_path), options=OPTIONS)
    assert (done.stderr, done.status) == ("", 0)
    with memlyze.open(programs.trace_path) as trace:
        found = trace.sql("SELECT function, verdict FROM leaks(site := 'function')").fetchall()
    assert "growing" not in dict(found).get("store", "bounded")


def test_earlier_part_that_is_named_too_is_not_read_twice(kept: Path) -> None:
    names = [str(kept), earlier_part(str(kept))]
    assert find_family(names).paths == names[:1]
    assert find_family(names[1:]).paths == names[1:]


def test_windows_that_are_open_and_those_of_live_blocks_go_on(programs: Any) -> None:
    source = CHURN + (
        "with memlyze.window('open'):\n"
        "    for number in range(200):\n"
        "        with memlyze.window(f'short {number}'):\n"
        "            if number == 7: kept = block(50_000)\n"
        "    end = time.monotonic() + 3  # the last events of a window may come so late\n"
        "    while time.monotonic() < end: work()\n"
        "    churn(4)\n"
        "    inside = block(60_000)\n"
    )
    programs.run(source, str(programs.trace_path), options=OPTIONS)
    trace = Trace(programs.trace_path)
    short = trace.windows[trace.one(50_000).window_id]
    assert short["name"] == "short 7"
    assert short["end_ns"] > 0
    names = [window["name"] for window in trace.windows.values()]
    assert len(names) < 10  # an object of the last ones may live
    assert trace.windows[trace.one(60_000).window_id]["name"] == "open"
    assert trace.windows[short["parent_id"]]["name"] == "open"


def test_more_live_blocks_than_there_is_room_for_are_counted(programs: Any) -> None:
    source = CHURN + (
        "number = random.Random(3)\n"
        "kept = [bytes(number.randrange(1_000)) for _ in range(300_000)]\n"
        "churn(8)\n"
    )
    programs.run(source, str(programs.trace_path), options=OPTIONS)
    trace = Trace(programs.trace_path)
    assert trace.metadata["blocks_not_carried"] > 10_000
    assert not trace.damage
    said = run_python("-m", "memlyze", "info", programs.trace_path, cwd=programs.directory).stdout
    assert "there was no room for" in said


def test_program_that_is_killed_at_any_moment_leaves_whole_parts(programs: Any) -> None:
    source = CHURN + (
        "kept = block(123_456)\n"
        "threads = [threading.Thread(target=churn, args=[10**9]) for _ in range(2)]\n"
        "for thread in threads: thread.start()\n"
        "churn(8)\nprint('ready', flush=True)\n"
    )
    path, moments = programs.trace_path, random.Random(1)
    for _ in range(4):
        options = {**OPTIONS, "force": True}
        with programs.started(source, str(path), options=options) as process:
            assert process.stdout.readline() == "ready\n"
            time.sleep(moments.random() * 0.3)  # the moment, not a wait for anything
            process.send_signal(signal.SIGKILL)
            process.wait()
        Trace(path).check_sound(is_whole=False)
        assert Trace(path).one(123_456).freed_ns == -1


def test_trace_can_be_read_while_its_parts_change(programs: Any) -> None:
    source = CHURN + "kept = block(123_456)\nchurn(1)\nprint('ready', flush=True)\nchurn(25)\n"
    with programs.started(source, str(programs.trace_path), options=OPTIONS) as process:
        assert process.stdout.readline() == "ready\n"
        parts = set()
        while process.poll() is None:
            trace = Trace(programs.trace_path)
            parts.add(trace.metadata.get("part", 1))
            assert trace.one(123_456).freed_ns == -1
            assert all("ends in the middle of a block" in damage for damage in trace.damage)
    assert len(parts) > 2


def test_children_that_are_forked_meanwhile_have_bounded_traces_of_their_own(
    programs: Any,
) -> None:
    source = CHURN + (
        "kept = block(123_456)\n"
        "thread = threading.Thread(target=churn, args=[12])\n"
        "thread.start()\n"
        "forks = 0\n"
        "while thread.is_alive() and forks < 30:\n"
        "    forks += 1\n"
        "    child = os.fork()\n"
        "    if child == 0:\n"
        "        own = block(54_321)\n"
        "        os._exit(0)\n"
        "    os.waitpid(child, 0)\n"
        "thread.join()\n"
    )
    # From 3.12 on, CPython warns of a fork beside other threads.
    quiet = ("-W", "ignore::DeprecationWarning")
    done = programs.run(source, str(programs.trace_path), flags=quiet, options=OPTIONS)
    assert (done.stderr, done.status) == ("", 0)
    trace = Trace(programs.trace_path)
    trace.check_sound()
    assert trace.one(123_456).freed_ns == -1
    children = programs.family()
    assert children
    for child in children:
        assert child.one(54_321)
        assert child.metadata["max_trace_bytes"] == BOUND_BYTES


def test_part_that_cannot_be_begun_ends_the_recording_and_says_so(programs: Any) -> None:
    source = CHURN + (
        "os.mkdir(sys.argv[2])\n"
        "kept = block(123_456)\n"
        "while not os.path.getsize(sys.argv[3]): work()\n"
    )
    path, said = programs.trace_path, programs.directory / "said"
    with said.open("w") as stderr, programs.started(
        source, str(path), earlier_part(str(path)), str(said), options=OPTIONS, stderr=stderr
    ) as process:
        assert process.wait(60) == 0
    assert "recording stopped: cannot write" in said.read_text()
    trace = Trace(path)
    assert trace.is_complete
    assert not trace.damage
    assert trace.one(123_456).freed_ns == -1
    assert f"cannot write {earlier_part(str(path))}: File exists" in said.read_text()
    assert not list(programs.directory.glob("*.next*"))


def test_files_of_similar_names_are_left_alone(programs: Any) -> None:
    other = programs.directory / "trace.next.mlyze"
    other.write_text("mine")
    done = programs.run(CHURN + "churn(3)\n", str(programs.trace_path), options=OPTIONS)
    assert (done.stderr, done.status) == ("", 0)
    assert other.read_text() == "mine"


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is not kept elsewhere")
def test_no_memory_for_the_next_part_ends_the_recording_and_says_so(programs: Any) -> None:
    source = CHURN + (
        "import resource\n"
        "from memlyze._speedups import _tracer\n"
        "churn(3)\n"
        "before = resource.getrlimit(resource.RLIMIT_AS)\n"
        "resource.setrlimit(resource.RLIMIT_AS, (1, before[1]))\n"
        "for _ in range(2_000):  # a test that fails is to end\n"
        "    if not _tracer.is_recording(): break\n"
        "    try: work()\n"
        "    except MemoryError: pass\n"
        "resource.setrlimit(resource.RLIMIT_AS, before)\n"
    )
    done = programs.run(source, str(programs.trace_path), options=OPTIONS)
    assert done.status == 0
    assert "recording stopped: cannot write" in done.stderr
    assert "Cannot allocate memory. The program goes on" in done.stderr
    for path in (programs.trace_path, Path(earlier_part(str(programs.trace_path)))):
        assert not Trace(path).damage
    assert not list(programs.directory.glob("*.next*"))


def test_no_room_for_the_present_part_ends_the_recording_and_keeps_both(programs: Any) -> None:
    """As on a full disk; the limit of file sizes comes in the same way."""
    source = CHURN + (
        "import resource\n"
        "from memlyze._speedups import _tracer\n"
        "kept = block(123_456)\n"
        "churn(3)\n"
        "most = os.stat(sys.argv[1]).st_size + 30_000\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))\n"
        "for _ in range(2_000):  # a test that fails is to end\n"
        "    if not _tracer.is_recording(): break\n"
        "    work()\n"
        "print('goes on')\n"
    )
    path = programs.trace_path
    done = programs.run(source, str(path), options=OPTIONS)
    assert (done.stdout, done.status) == ("goes on\n", 0)
    assert done.stderr.count("recording stopped") == 1
    assert f"cannot write {path}: File too large. The program goes on" in done.stderr
    assert "Raise the limit of file sizes" in done.stderr
    earlier, present = Trace(Path(earlier_part(str(path)))), Trace(path)
    assert earlier.is_complete and not earlier.damage
    assert not present.is_complete and not present.damage
    assert present.one(123_456).freed_ns == -1
    assert not list(programs.directory.glob("*.next*"))
    said = run_python("-m", "memlyze", "summary", path, cwd=path.parent).stdout
    assert "the trace was cut off (the program: killed, or out of room)" in said


@pytest.mark.skipif(sys.platform != "linux", reason="no such library elsewhere")
def test_full_disk_costs_the_earlier_part_and_not_the_recording(programs: Any) -> None:
    source = CHURN + (
        "import glob\n"
        "def fill_up(more):\n"
        "    room = sum(map(os.path.getsize, glob.glob('*.mlyze'))) + more\n"
        "    open('room', 'w').truncate(room)\n"
        "kept = block(123_456)\n"
        "churn(3)\n"
        "fill_up(0)\n"
        "churn(3)\n"
        "fill_up(10_000)\n"
        "churn(3)\n"
        "last = block(77_777)\n"
    )
    path = programs.trace_path
    disk = build(Path(__file__).with_name("full_disk.c"), programs.directory / "full_disk.so")
    env = {"LD_PRELOAD": str(disk)}
    done = programs.run(source, str(path), env=env, options=OPTIONS)
    assert done.status == 0
    [said] = done.stderr.splitlines()
    assert said.startswith(f"memlyze: the disk of {path} is full: the earlier part of the trace")
    files = [path, Path(earlier_part(str(path)))]
    room = os.path.getsize(programs.directory / "room")
    assert sum(file.stat().st_size for file in files if file.exists()) <= room
    trace = Trace(path)
    assert trace.is_complete and not trace.damage and not trace.frees_unmatched
    assert trace.one(123_456).freed_ns == trace.one(77_777).freed_ns == -1
    assert trace.metadata["parts_dropped_early"] >= 2
    said = run_python("-m", "memlyze", "info", path, cwd=path.parent).stdout
    assert "since the disk was full" in " ".join(said.split())


def test_earlier_part_is_kept_by_a_program_that_ends_while_the_next_one_is_due(
    programs: Any,
) -> None:
    source = CHURN + (
        "churn(3)\n"
        "kept = [block(1_000 + number % 500) for number in range(int(sys.argv[2]))]\n"
        "os._exit(0)\n"
    )
    for more in range(5_000, 30_000, 5_000):
        path, options = programs.trace_path, {**OPTIONS, "force": True}
        done = programs.run(source, str(path), str(more), options=options)
        assert (done.stderr, done.status) == ("", 0)
        trace = Trace(path)
        assert trace.is_complete
        assert trace.metadata["stop_reason"] == "_exit"
        assert Trace(Path(earlier_part(str(path)))).is_complete


@pytest.mark.parametrize("part", [earlier_part, next_part])
def test_part_of_somebody_else_is_not_replaced(tmp_path: Path, part: Any) -> None:
    path = tmp_path / "t.mlyze"
    other = Path(part(str(path)))
    other.write_text("mine")
    with pytest.raises(TraceWriteError, match=rf"{re.escape(str(other))} exists already"):
        memlyze.start(path, **OPTIONS)
    assert os.listdir(tmp_path) == [other.name]
    memlyze.start(path, force=True, **OPTIONS).stop()
    assert os.listdir(tmp_path) == ["t.mlyze"]


@pytest.mark.parametrize("wrong", [-1, 1000, True, 1.5, "9"])
def test_wrong_bound_is_refused(wrong: Any) -> None:
    with pytest.raises(OptionError, match="max_trace_bytes must be 0 for no bound"):
        memlyze.Tracer(max_trace_bytes=wrong)


def test_last_part_has_the_sources_of_the_earlier_ones(programs: Any, tmp_path: Path) -> None:
    options = {**OPTIONS, "include_source": True}
    helper = programs.write("def make():\n    return bytearray(100)\n", "helper.py")
    done = programs.run(
        CHURN
        + """
import helper
kept = helper.make()
churn(4)
os.remove(helper.__file__)
churn(12)
""",
        str(programs.trace_path),
        options=options,
    )
    assert (done.stderr, done.status) == ("", 0)
    alone = tmp_path / "alone.mlyze"
    alone.write_bytes(programs.trace_path.read_bytes())
    with memlyze.open(alone) as trace:
        assert trace.metadata["part"] > 3
        rows = trace.sql("SELECT file, text FROM sources WHERE file LIKE '%helper.py'").fetchall()
    assert rows == [(str(helper), "def make():\n    return bytearray(100)\n")]
