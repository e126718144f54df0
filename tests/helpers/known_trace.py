"""A small trace whose every figure is known, exact or sampled."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Mapping

from trace_encoder import EXACT_SAMPLING, Allocation, Free, Run, TraceEncoder

MS = 1_000_000
INTERVAL_BYTES = 1000.0
PROGRAM_FILE = "/srv/app/main.py"
LIBRARY_FILE = "/usr/lib/python3.11/json/decoder.py"
FIRST_ID = 65536


def weight_of(size_bytes: int) -> float:
    """The weight of an allocation in the sampled trace."""
    return 1 / (1 - math.exp(-size_bytes / INTERVAL_BYTES))


def known_trace(
    *,
    sampled: bool = False,
    process_id: int = 7,
    start_unix_ns: int = 10**18,
    command_line: tuple[str, ...] = ("python", "main.py", "two words"),
    more_metadata: Mapping[str, object] | None = None,
) -> TraceEncoder:
    """Six allocations, two frees, three windows (two of them one inside the other).

    Stacks: 1 main (program), 2 main > load (program), 3 main > load > decode (standard library).

        id +0   1 ms   100 B  stack 1                    live
        id +1   2 ms   200 B  stack 3  window 1          freed at 9 ms, after window 1 was closed
        id +2   3 ms   300 B  stack 3  window 2 in 1     freed at 3 ms, in window 2
        id +3   4 ms   400 B  stack 2  window 1          live
        id +4  11 ms   500 B  no stack                   live, raw domain, thread 2
        id +5  12 ms    50 B  stack 1  window 3 (open)   live
    """
    sampling = dict(EXACT_SAMPLING)
    if sampled:
        sampling.update(interval_bytes=INTERVAL_BYTES, rate=0.0)
    metadata = {
        "process_id": process_id,
        "parent_process_id": 1,
        "command_line": list(command_line),
        "python_version": "3.11.7",
        "python_path": ["/srv/app", "/usr/lib/python3.11"],
        "start_time_unix_ns": start_unix_ns,
        "sample_rate": 0.0 if sampled else 1.0,
        "end_ns": 20 * MS,
        "stop_reason": "exit",
        "events_dropped": 0,
        "tracer_peak_bytes": 1 << 20,
        "writer_cpu_ns": 2 * MS,
        **(more_metadata or {}),
    }
    trace = TraceEncoder(metadata, samplings=[sampling])
    trace.add(
        "codes",
        [
            {"code_id": 1, "function": "<truncated>"},
            {"code_id": 2, "function": "main", "file": PROGRAM_FILE, "first_line": 10},
            {"code_id": 3, "function": "load", "file": PROGRAM_FILE, "first_line": 20},
            {"code_id": 4, "function": "decode", "file": LIBRARY_FILE, "first_line": 30},
        ],
    )
    trace.add(
        "stacks",
        [
            {"stack_id": 1, "parent_id": 0, "code_id": 2},
            {"stack_id": 2, "parent_id": 1, "code_id": 3},
            {"stack_id": 3, "parent_id": 2, "code_id": 4},
        ],
    )
    trace.add(
        "threads",
        [
            {"thread_id": 1, "os_thread_id": 70, "name": "MainThread"},
            {"thread_id": 2, "os_thread_id": 71, "start_ns": 5 * MS, "end_ns": 15 * MS},
        ],
    )
    trace.add(
        "windows",
        [
            {
                "window_id": 1,
                "kind": "window",
                "name": "outer",
                "start_ns": 2 * MS,
                "end_ns": 5 * MS,
                "thread_id": 1,
                "attributes": '{"user": 3}',
            },
            {
                "window_id": 2,
                "parent_id": 1,
                "kind": "call",
                "name": "inner",
                "start_ns": 3 * MS,
                "end_ns": 4 * MS,
                "thread_id": 1,
            },
            {"window_id": 3, "kind": "call", "name": "inner", "start_ns": 12 * MS, "thread_id": 1},
        ],
    )
    second = 2 * FIRST_ID
    trace.add_runs(
        [
            Run(1, 1 * MS, FIRST_ID, [Allocation(100, 1)]),
            Run(1, 2 * MS, FIRST_ID + 1, [Allocation(200, 3)], window_id=1),
            Run(1, 3 * MS, FIRST_ID + 2, [Allocation(300, 3), Free(FIRST_ID + 2)], window_id=2),
            Run(1, 4 * MS, FIRST_ID + 3, [Allocation(400, 2)], window_id=1),
            Run(1, 9 * MS, FIRST_ID + 4, [Free(FIRST_ID + 1)]),
            Run(2, 11 * MS, second, [Allocation(500, 0, allocator=0)]),
            Run(1, 12 * MS, FIRST_ID + 4, [Allocation(50, 1)], window_id=3),
            Run(1, 13 * MS, FIRST_ID + 5, [Allocation(4096, 2, allocator=5)]),
            Run(1, 14 * MS, FIRST_ID + 6, [Allocation(1 << 30, 1, allocator=6)]),
            Run(1, 15 * MS, FIRST_ID + 7, [Free(FIRST_ID + 6)]),
        ]
    )
    _add_checkpoint(trace)
    trace.add(
        "memory",
        [
            {"time_ns": 0, "rss": 5000, "heap_live": 0, "tracer_bytes": 10},
            {"time_ns": 10 * MS, "rss": 9000, "heap_live": 500, "heap_live_count": 2},
            {"time_ns": 19 * MS, "rss": 8000, "heap_live": 1050, "heap_live_count": 4},
        ],
    )
    for time_ns, objects, free in ((0, 600, 0), (10 * MS, 5000, 500)):
        resident: list[dict[str, Any]] = [
            {"category": 0, "mapping_count": 1, "reserved_bytes": 999, "resident_bytes": 400},
            {"category": 1, "mapping_count": 2, "resident_bytes": objects},
            {"category": 2, "reserved_bytes": 1000, "resident_bytes": free},
            {"category": 6, "path": "/bin/python", "mapping_count": 3, "resident_bytes": 3000},
            {"category": 7, "path": "/bin/python", "resident_bytes": 100},
        ]
        trace.add("resident", [dict(row, time_ns=time_ns) for row in resident])
    trace.add(
        "gc",
        [
            {
                "time_ns": 6 * MS,
                "duration_ns": 1000,
                "generation": 0,
                "collected": 4,
                "thread_id": 1,
            },
            {
                "time_ns": 16 * MS,
                "duration_ns": 3000,
                "generation": 2,
                "collected": 6,
                "thread_id": 1,
            },
        ],
    )
    return trace


def _add_checkpoint(trace: TraceEncoder) -> None:
    """main.SESSIONS → ['u17'] → Session.history → list[3], and beside it a list that C holds."""
    builtin = {"module": "builtins"}
    trace.add(
        "object_types",
        [
            {"type_id": 1, "name": "module", **builtin},
            {"type_id": 2, "name": "dict", **builtin},
            {"type_id": 3, "name": "str", **builtin},
            {"type_id": 4, "name": "Session", "module": "main", "object_id": 7, "is_referred": 1},
            {"type_id": 5, "name": "list", **builtin},
            {"type_id": 6, "name": "type", **builtin},
        ],
    )
    trace.add(
        "object_names", [{"name_id": 1, "name": "__dict__"}, {"name_id": 2, "name": "history"}]
    )
    objects: list[dict[str, Any]] = [
        {"object_id": 1, "type_id": 1, "size": 72, "length": -1},
        {"object_id": 2, "type_id": 2, "size": 232, "length": 1},
        {"object_id": 3, "type_id": 3, "size": 57, "length": 8},
        {"object_id": 4, "type_id": 2, "size": 232, "length": 1},
        {"object_id": 5, "type_id": 4, "size": 48, "length": -1, "allocation_id": FIRST_ID},
        {"object_id": 6, "type_id": 5, "size": 80, "length": 3, "buffer_allocation_id": FIRST_ID},
        {"object_id": 7, "type_id": 6, "size": 1064, "length": -1},
        {"object_id": 8, "type_id": 3, "size": 52, "length": 3},
        {"object_id": 9, "type_id": 5, "size": 56, "length": 0, "unseen_references": 1},
    ]
    trace.add("objects", [dict(row, address=row["object_id"] * 4096) for row in objects])
    trace.add(
        "object_references",
        [
            {"from_id": 1, "to_id": 2, "how": 1, "number": 1},
            {"from_id": 2, "to_id": 3, "how": 2},
            {"from_id": 2, "to_id": 4, "how": 3},
            {"from_id": 4, "to_id": 8, "how": 2},
            {"from_id": 4, "to_id": 5, "how": 3},
            {"from_id": 5, "to_id": 6, "how": 1, "number": 2},
        ],
    )
    texts = {1: "main", 3: "'SESSIONS'", 7: "main.Session", 8: "'u17'"}
    trace.add("object_texts", [{"object_id": k, "text": text} for k, text in texts.items()])
    trace.add("object_roots", [{"object_id": 1, "name": "main"}])
    row: dict[str, Any] = {"checkpoint_id": 1, "time_ns": 20 * MS, "reason": "exit"}
    row.update(pause_ns=300_000, first_object_id=1, object_count=9, reference_count=6)
    trace.add("checkpoints", [row])


def write_known_trace(path: Path, **options: object) -> str:
    """Write the trace; return its path as text."""
    known_trace(**options).write(path)  # type: ignore[arg-type]
    return str(path)
