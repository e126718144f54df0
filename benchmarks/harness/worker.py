"""Runs one program in one mode, in this process: once, started by `processes.run_program`, or as
often as it is told to, started by `turns.Taker`.

The tracer is started just before the workload and stopped just after it. Only the workload is
timed: neither the start of the tracer, nor the warm-up, nor the stop (its time is reported
apart).
"""

from __future__ import annotations

import gc
import json
import os
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


class Work:
    """A workload under a tracer, which is started after `warmup_loops` calls without."""

    def __init__(self, workload: Workload, request: dict[str, Any]) -> None:
        self._workload = workload
        self._loops: int = request["loops"]
        self._output = Path(request["output"])
        if request["warmup_loops"]:
            workload(request["warmup_loops"])
        gc.collect()
        self._stop = modes.start_tracer(request["tracer"], self._output, request["options"])

    def do(self) -> dict[str, float]:
        """Time `loops` calls of the workload."""
        cpu_start = cpu_seconds()
        thread_start = time.thread_time()
        wall_start = time.perf_counter()
        self._workload(self._loops)
        wall_end = time.perf_counter()
        thread_end = time.thread_time()
        return {
            "wall_s": wall_end - wall_start,
            "cpu_s": cpu_seconds() - cpu_start,
            "thread_cpu_s": thread_end - thread_start,
        }

    def finish(self) -> dict[str, Any]:
        """Stop the tracer."""
        start = time.perf_counter()
        self._stop()
        return {
            "stop_s": time.perf_counter() - start,
            "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            "trace_bytes": self._output.stat().st_size if self._output.exists() else 0,
        }


def take_turns(work: Work, turn_fd: int, answer_fd: int) -> None:
    """Do the work whenever a byte comes, until no more can, and say what was measured."""
    os.write(answer_fd, b"\n")
    while os.read(turn_fd, 1):
        os.write(answer_fd, json.dumps(work.do()).encode() + b"\n")


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
            return
        work = Work(workload, request)
        if request["task"] == "take_turns":
            take_turns(work, request["turn_fd"], request["answer_fd"])
        else:
            result.update(work.do())
        result.update(work.finish())

    program = PROGRAMS[request["program"]]
    run_script(program.script(), program.arguments, program.workload, on_workload)
    Path(request["result"]).write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main()
