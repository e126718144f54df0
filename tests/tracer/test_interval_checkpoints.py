"""Checkpoints that are taken from time to time."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from held import Held

from memlyze.trace.family import find_family

# Runs the collector until so many seconds have passed, as a program does that makes objects.
GO_ON = """
import gc, os, signal, time
def go_on(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        gc.collect(0)
"""


def test_killed_program_has_them_and_with_them_who_holds_what(programs: Any) -> None:
    programs.run(
        GO_ON
        + """
def main():
    mine = {"kept": [object()] * 2601}
    go_on(0.5)
    os.kill(os.getpid(), signal.SIGKILL)
main()
""",
        options={"checkpoint_interval_s": 0.1},
    )
    found = Held(programs.trace_path)
    assert {row["reason"] for row in found.checkpoints} == {"interval"}
    chain = found.chain("type = 'list' AND length = 2601")
    assert "mine" in chain[0].how or "mine" in chain[1].how
    assert chain[-1].how == "['kept']"


def test_they_become_rarer_as_the_recording_gets_older(record: Any, programs: Any) -> None:
    record(GO_ON + "go_on(1.5)", checkpoint_interval_s=0.02)
    found = Held(programs.trace_path)
    *regular, last = found.checkpoints
    assert last["reason"] == "exit"
    times = [row["time_ns"] for row in regular]
    assert len(times) >= 2
    assert times[0] >= 20_000_000
    for row, time_ns, next_ns in zip(regular, times, times[1:]):
        assert next_ns >= 1.5 * time_ns
        assert next_ns - time_ns >= 50 * row["pause_ns"]


@pytest.mark.skipif(sys.platform == "win32", reason="forks")
def test_child_takes_its_own_from_its_own_beginning(record: Any, programs: Any) -> None:
    record(
        GO_ON
        + """
go_on(0.6)
if os.fork() == 0:
    go_on(2)
    os.kill(os.getpid(), signal.SIGKILL)
os.wait()
""",
        checkpoint_interval_s=0.1,
    )
    assert len(find_family([programs.trace_path]).paths) == 2
    found = Held(programs.trace_path)
    reasons = {process_id: [] for process_id in found.trace.process_ids}
    for row in found.checkpoints:
        reasons[row["process_id"]].append(row["reason"])
    of_parent, of_child = sorted(reasons.values(), key=lambda of_one: "exit" not in of_one)
    assert of_parent[-1] == "exit"
    assert set(of_child) == {"interval"}


def test_without_references_there_are_none_and_nothing_listens(record: Any, programs: Any) -> None:
    done = record(
        GO_ON + "go_on(0.2)\nprint(len(gc.callbacks))",
        checkpoint_interval_s=0.05,
        references=False,
        track_gc=False,
    )
    assert done.lines == ["0"]
    assert Held(programs.trace_path).checkpoints == []


def test_stop_leaves_no_callback_behind(record: Any) -> None:
    done = record(
        "import gc, memlyze; print(len(gc.callbacks)); memlyze.stop(); print(gc.callbacks)",
        checkpoint_interval_s=60,
    )
    assert done.lines == ["2", "[]"]
