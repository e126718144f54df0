"""Runs one program once, in one mode, in this process; started by `processes.run_program`.

The tracer is started just before the workload and stopped just after it. Only the workload is
timed: neither the start of the tracer, nor the warm-up, nor the stop (its time is reported
apart).
"""

from __future__ import annotations

import gc
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import modes
from harness.catalogue import PROGRAMS
from harness.pyperf_runner import Workload, run_script


def cpu_seconds() -> float:
    """User and system time of all threads of this process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def measure(workload: Workload, request: dict[str, Any]) -> dict[str, Any]:
    """Time `loops` calls of the workload under a tracer, after `warmup_loops` calls without."""
    if request["warmup_loops"]:
        workload(request["warmup_loops"])
    output = Path(request["output"])
    gc.collect()
    stop = modes.start_tracer(request["tracer"], output, request["options"])
    cpu_start = cpu_seconds()
    thread_start = time.thread_time()
    wall_start = time.perf_counter()
    workload(request["loops"])
    wall_end = time.perf_counter()
    thread_end = time.thread_time()
    cpu_end = cpu_seconds()
    stop()
    stop_end = time.perf_counter()
    return {
        "wall_s": wall_end - wall_start,
        "cpu_s": cpu_end - cpu_start,
        "thread_cpu_s": thread_end - thread_start,
        "stop_s": stop_end - wall_end,
        "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "trace_bytes": output.stat().st_size if output.exists() else 0,
    }


def calibrate(workload: Workload, target_s: float) -> dict[str, Any]:
    """How many loops take about `target_s`, untraced, and how long one takes, in CPU time."""
    workload(1)
    loops = 1
    while True:
        start = time.process_time()
        workload(loops)
        elapsed_s = time.process_time() - start
        if elapsed_s >= target_s / 4:
            break
        loops *= 2
    loop_s = elapsed_s / loops
    return {"loops": max(1, round(target_s / loop_s)), "loop_s": loop_s}


def main() -> None:
    request = json.loads(sys.argv[1])
    result: dict[str, Any] = {}

    def on_workload(workload: Workload) -> None:
        if request["task"] == "calibrate":
            result.update(calibrate(workload, request["target_s"]))
        else:
            result.update(measure(workload, request))

    program = PROGRAMS[request["program"]]
    run_script(program.script(), program.arguments, program.workload, on_workload)
    Path(request["result"]).write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main()
