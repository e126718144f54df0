"""Instructions executed, counted by valgrind: the same on a busy machine as on a quiet one.

A program is run with two numbers of loops; the difference is what the additional loops cost,
without the start of the interpreter, the imports and the start and stop of the tracer. Counted
apart: the thread that runs the program (what a traced program waits for), and all threads
together (memlyze's writer is the other one).

Instructions are not time: a cache miss costs more than an addition. For what stays and what got
better from one build to the next they are the better measure, for how long a program takes they
are not one.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

from harness import processes
from harness.modes import MODES
from harness.overhead import Say
from harness.results import Results

SECTION = "instructions"
PROGRAMS = (
    "deltablue",
    "go",
    "json_dumps",
    "spectral_norm",
    "coroutines",
    "allocation_loop",
)
MODE_NAMES = ("untraced", "default", "rate_1.0")
#: Loops to count, in untraced seconds of the calibration: valgrind is some 50 times slower.
COUNTED_S = 0.06
_SUMMARY = re.compile(r"^(?:summary|totals): (\d+)", re.MULTILINE)


class ValgrindMissingError(Exception):
    """valgrind is not installed."""


def measure(
    calibrations: dict[str, dict[str, Any]],
    results: Results,
    scratch: processes.Scratch,
    say: Say,
) -> None:
    """Count one more loop of each program in each mode.

    Raises:
        ValgrindMissingError: there is no valgrind on the path.
    """
    if shutil.which("valgrind") is None:
        raise ValgrindMissingError("counting instructions needs valgrind: apt-get install valgrind")
    for name, calibration in calibrations.items():
        loops = max(1, round(COUNTED_S / calibration["loop_s"]))
        counts = {}
        for mode in MODE_NAMES:
            fewer = _count(name, 1, mode, scratch)
            more = _count(name, 1 + loops, mode, scratch)
            counts[mode] = {key: (more[key] - fewer[key]) / loops for key in more}
            results.add(SECTION, {"program": name, "mode": mode, "loops": loops, **counts[mode]})
        base = counts.get("untraced", {}).get("program_thread")
        if base:
            ratios = (
                f"{mode} {counts[mode]['program_thread'] / base:.3f}" for mode in MODE_NAMES[1:]
            )
            say(f"instructions  {name:20}{base / 1e6:8.1f} M a loop  {'  '.join(ratios)}")


def _count(name: str, loops: int, mode_name: str, scratch: processes.Scratch) -> dict[str, int]:
    for old in scratch.path.glob("callgrind.out*"):
        old.unlink()
    mode = MODES[mode_name]
    prefix = [
        "valgrind",
        "--tool=callgrind",
        "--separate-threads=yes",
        f"--callgrind-out-file={scratch.path / 'callgrind.out'}",
    ]
    processes.run_program(
        name,
        loops,
        scratch,
        tracer=mode.tracer,
        options=mode.options,
        warmup_loops=1,
        prefix=prefix,
    )
    # One file a thread: callgrind.out-01 is the main thread's.
    threads = sorted(scratch.path.glob("callgrind.out-*"))
    per_thread = [_instructions(path) for path in threads]
    return {"program_thread": per_thread[0], "all_threads": sum(per_thread)}


def _instructions(path: Path) -> int:
    """The total at the end of an output file of callgrind."""
    found = _SUMMARY.findall(path.read_text(encoding="utf-8", errors="replace"))
    return int(found[-1])
