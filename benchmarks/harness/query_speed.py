"""How long questions to a trace take, as whole processes, and how fast events are decoded.

The traces are real recordings, at `sample_rate=1.0`, of `programs/service.py`: a million
allocations, and ten. memray records the same work with all its allocators and answers with
`memray stats`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Sequence

from harness import processes
from harness.catalogue import SERVICE
from harness.commands import REPETITIONS, CommandTimer
from harness.modes import MODES
from harness.overhead import Say
from harness.results import Results

SECTION = "query"
QUERIES = {
    "greatest sites": "SELECT * FROM hotspots() LIMIT 10",
    "count and sum": "SELECT count(*), sum(bytes) FROM allocations",
    "timeline": "SELECT * FROM timeline(buckets := 100)",
    "live at the end": "SELECT sum(bytes) FROM allocations WHERE freed_ns IS NULL",
    "lifetimes": "SELECT * FROM lifetimes()",
}


def measure(
    millions: Sequence[int], results: Results, scratch: processes.Scratch, say: Say
) -> None:
    """Record, query and decode traces of so many million allocations."""
    timer = CommandTimer(SECTION, results, scratch, say)
    per_loop = allocations(record("rate_1.0", 1, scratch), scratch)
    for size in millions:
        loops = -(-size * 1_000_000 // per_loop)
        trace = record("rate_1.0", loops, scratch)
        common = {"millions": size, "trace_bytes": trace.stat().st_size}
        common["allocations"] = allocations(trace, scratch)
        megabytes = common["trace_bytes"] / 1e6
        say(f"query  a trace of {common['allocations']} allocations: {megabytes:.1f} MB")
        for name, query in QUERIES.items():
            command = _memlyze("query", query, str(trace))
            title = f"memlyze query: {name}"
            timer.time(title, {"command": title, **common}, command)
        timer.time(
            "memlyze summary",
            {"command": "memlyze summary", **common},
            _memlyze("summary", str(trace)),
        )
        for _ in range(REPETITIONS):
            decoded = processes.run_script("decode_trace", {"trace": str(trace)}, scratch)
            results.add(SECTION, {"kind": "decode", **common, **decoded})
        say(f"query  decoding: {decoded['events'] / decoded['cpu_s'] / 1e6:.1f} M events/s of CPU")
        trace.unlink()
        file = record("memray_all", loops, scratch)
        common["trace_bytes"] = file.stat().st_size
        command = [sys.executable, "-m", "memray", "stats", str(file)]
        timer.time("memray stats", {"command": "memray stats", **common}, command, repetitions=1)
        file.unlink()


def _memlyze(*words: str) -> list[str]:
    return [str(Path(sys.executable).parent / "memlyze"), *words]


def record(mode_name: str, loops: int, scratch: processes.Scratch) -> Path:
    """Record so many loops of the service; return the trace."""
    mode = MODES[mode_name]
    processes.run_program(
        SERVICE.name,
        loops,
        scratch,
        tracer=mode.tracer,
        options=mode.options,
        warmup_loops=0,
        output="service.trace",
    )
    return scratch.path / "service.trace"


def allocations(trace: Path, scratch: processes.Scratch) -> int:
    """How many allocations a trace holds."""
    request = {"trace": str(trace), "metadata": ["allocations_recorded"], "queries": []}
    answer = processes.run_script("inspect_trace", request, scratch)
    return int(answer["metadata"]["allocations_recorded"])
