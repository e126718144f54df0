"""Stacks are made from those of their callers, of whatever depth and shape the tree is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from known_trace import write_known_trace
from trace_encoder import Allocation, Run, TraceEncoder

import memlyze
from memlyze.exporters.stack_walk import StackWalk


def walked(path: str, stack_ids: list[int]) -> dict[int, list[str]]:
    with memlyze.open(path) as trace:
        walk = StackWalk(trace, np.array(stack_ids))
        names = [frame.function for frame in walk.frames]
        return dict(walk.walk([], lambda outer, frame: [*outer, names[frame]]))


def test_callers_come_along_and_nothing_else(tmp_path: Path) -> None:
    path = write_known_trace(tmp_path / "t.mlyze")
    assert walked(path, [2]) == {1: ["main"], 2: ["main", "load"]}


def test_unknown_stack_has_a_frame_that_says_so(tmp_path: Path) -> None:
    path = write_known_trace(tmp_path / "t.mlyze")
    assert walked(path, [0, 1]) == {0: ["<unknown>"], 1: ["main"]}


def test_very_deep_stack(tmp_path: Path) -> None:
    depth = 3000
    trace = TraceEncoder({"process_id": 1})
    trace.add("codes", [{"code_id": 1, "function": "f", "file": "f.py", "first_line": 1}])
    trace.add(
        "stacks",
        [{"stack_id": n, "parent_id": n - 1, "code_id": 1} for n in range(1, depth + 1)],
    )
    trace.add_runs([Run(1, 1, 65536, [Allocation(10, depth)])])
    trace.write(tmp_path / "t.mlyze")
    with memlyze.open(tmp_path / "t.mlyze") as opened:
        walk = StackWalk(opened, np.array([depth]))
        assert dict(walk.walk(0, lambda outer, _: outer + 1))[depth] == depth
