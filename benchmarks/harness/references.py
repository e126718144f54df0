"""Checkpoints: how long the program stands still, what they take, and how fast chains are found;
objgraph's `find_backref_chain` beside them, on the same heaps.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from statistics import median
from typing import Any, Sequence

from harness import markdown, processes
from harness.overhead import Say
from harness.results import Results

SECTION = "references"
PROGRAM = Path(__file__).resolve().parent.parent / "programs" / "object_graph.py"
SHAPES = ("tree", "linked")
REPETITIONS = 3
#: objgraph goes through the whole heap for each link that it looks at: one chain is enough.
OBJGRAPH_OBJECTS = 1_000_000


def measure(objects: Sequence[int], results: Results, scratch: processes.Scratch, say: Say) -> None:
    """Take, write and read checkpoints of heaps of about so many objects."""
    trace = scratch.path / "references.mlyze"
    for shape in SHAPES:
        for count in objects:
            for _ in range(REPETITIONS):
                taken = _run(scratch, count, shape, "memlyze", str(trace))
                found = processes.run_script("read_references", {"trace": str(trace)}, scratch)
                results.add(SECTION, {"shape": shape, "heap": count, **taken, **found})
            say(f"references  {shape}, {count} objects: {taken['pause_s']:.3f} s")
        count = min(OBJGRAPH_OBJECTS, *objects)
        found = _run(scratch, count, shape, "objgraph")
        results.add(SECTION, {"shape": shape, "heap": count, **found})
        say(f"references  {shape}, {count} objects: objgraph {found['objgraph_s']:.2f} s a chain")


def _run(scratch: processes.Scratch, count: int, *words: str) -> dict[str, Any]:
    command = [sys.executable, str(PROGRAM), str(count), *words]
    answer: dict[str, Any] = json.loads(processes.run_process(command, scratch).stdout)
    return answer


def table(results: Results) -> str:
    groups: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for run in results.runs(SECTION):
        groups.setdefault((run["shape"], run["heap"]), []).append(run)
    rows = []
    for (shape, _), runs in groups.items():
        taken = [run for run in runs if "pause_s" in run]
        peer = [run["objgraph_s"] for run in runs if "objgraph_s" in run]
        if not taken:
            continue
        middle = {name: median(run[name] for run in taken) for name in taken[0] if name != "shape"}
        rows.append(
            [
                shape,
                markdown.number(middle["objects"] / 1e6, 2),
                markdown.number(middle["references"] / 1e6, 2),
                markdown.number(middle["pause_s"] * 1000, 0),
                markdown.number(middle["more_bytes"] / 1e6, 0),
                markdown.number(middle["stop_s"] * 1000, 0),
                markdown.number(middle["file_bytes"] / 1e6, 1),
                markdown.number(middle["trees_s"], 2),
                markdown.number(middle["chain_s"] * 1e6, 0),
                markdown.number(peer[0] * 1e6, 0) if peer else markdown.NOTHING,
            ]
        )
    head = [
        "heap",
        "M objects",
        "M references",
        "pause, ms",
        "memory, MB",
        "written, ms",
        "file, MB",
        "trees, s",
        "a chain, µs",
        "objgraph: a chain, µs",
    ]
    return markdown.table(head, rows)
