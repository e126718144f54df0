"""A trace whose program chose its names to do harm."""

from __future__ import annotations

from pathlib import Path

from trace_encoder import Allocation, Run, TraceEncoder

MS = 1_000_000
HOSTILE = [
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<!--",
    "]]>",
    "&lt;b&gt; &amp; \"quotes\" 'single'",
    "javascript:alert(1)",
    "\x1b[31mred\x1b[0m\x07\x00",
    "line\nfeed\r\nand\ttab",
    "\u202etxt.exe \u2066abc",
    "שלום עולם",
    "\ufffe\uffff",
    "\U0001f600 emoji",
    "x" * 10_000,
    "a|b `code` *bold* [link](http://example.com) @someone #1",
    "",
]


def write_hostile_trace(path: Path) -> str:
    """Write a trace of a program that chose its names to do harm; return its path as text."""
    trace = TraceEncoder(
        {
            "process_id": 1,
            "command_line": ["python", HOSTILE[0], HOSTILE[1]],
            "working_directory": "/srv/</style><b>",
            "python_version": "<b>3.11</b>",
            "start_time_unix_ns": 10**18,
            "sample_rate": 1.0,
            "end_ns": 20 * MS,
            "stop_reason": "exit",
        }
    )
    trace.add(
        "codes",
        [
            {
                "code_id": n,
                "function": name,
                "file": f"/srv/</style><b>/{name[:50]}",
                "first_line": n,
            }
            for n, name in enumerate(HOSTILE, 1)
        ],
    )
    trace.add(
        "stacks",
        [{"stack_id": n, "parent_id": n - 1, "code_id": n} for n in range(1, len(HOSTILE) + 1)],
    )
    trace.add("threads", [{"thread_id": n, "name": HOSTILE[n]} for n in (1, 2)])
    trace.add(
        "windows",
        [
            {
                "window_id": 1,
                "kind": HOSTILE[2],
                "name": HOSTILE[0],
                "end_ns": 9 * MS,
                "thread_id": 1,
            }
        ],
    )
    for number in range(1, len(HOSTILE) + 1):
        allocations = [Allocation(100 * number, number)]
        first_id = 65536 * (1 + number % 2) + number
        trace.add_runs([Run(1 + number % 2, number * MS, first_id, allocations, window_id=1)])
    trace.add("memory", [{"time_ns": n * MS, "rss": 10_000 + n} for n in range(20)])
    trace.write(path)
    return str(path)
