"""Starts the processes that are measured, each alike, and reads what they report."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Mapping, NamedTuple, Sequence

from memlyze.handover import NATIVE_SHIM

HARNESS = Path(__file__).resolve().parent
TIMEOUT_S = 600


class ProgramFailedError(Exception):
    """A measured process ended with an error; the message has its last words."""


class Finished(NamedTuple):
    """A process from start to end."""

    wall_s: float
    cpu_s: float
    peak_rss_bytes: int
    stdout: str


class Scratch:
    """A folder for what the measured processes write; removed at the end."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="memlyze-benchmark-")
        self.path = Path(self._folder.name)

    def __enter__(self) -> Scratch:
        return self

    def __exit__(self, *exception: object) -> None:
        self._folder.cleanup()

    def environment(self) -> dict[str, str]:
        """Nothing of the user's Python settings; fixed hashes, and so a fixed order of sets."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTHON", "MEMLYZE", "MALLOC_", "LD_", "COVERAGE"))
        }
        temporary = self.path / "tmp"
        temporary.mkdir(exist_ok=True)
        return {**kept, "PYTHONHASHSEED": "0", "TMPDIR": str(temporary)}


def run_process(
    command: Sequence[str], scratch: Scratch, variables: Mapping[str, str] | None = None
) -> Finished:
    """Run a command and measure the whole process.

    Raises:
        ProgramFailedError: it ended with another status than 0.
    """
    with (scratch.path / "stdout").open("w+b") as out, (scratch.path / "stderr").open("w+b") as err:
        start = time.perf_counter()
        process = subprocess.Popen(
            command,
            stdout=out,
            stderr=err,
            cwd=scratch.path,
            env={**scratch.environment(), **(variables or {})},
        )
        alarm = threading.Timer(TIMEOUT_S, process.kill)
        alarm.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - start
        alarm.cancel()
        signal_number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        process.returncode = -signal_number if signal_number else os.WEXITSTATUS(status)
        out.seek(0)
        err.seek(0)
        stdout = out.read().decode(errors="replace")
        if process.returncode != 0:
            words = err.read().decode(errors="replace").strip() or stdout.strip()
            raise ProgramFailedError(f"status {process.returncode}: {words[-2000:]}")
    return Finished(wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, stdout)


def run_script(
    script: str | Path,
    request: dict[str, Any],
    scratch: Scratch,
    prefix: Sequence[str] = (),
    variables: Mapping[str, str] | None = None,
) -> Any:
    """Run a script (a name: one of the harness) with a request; give back its answer."""
    answer = scratch.path / "result.json"
    answer.unlink(missing_ok=True)
    request = {**request, "result": str(answer)}
    path = HARNESS / f"{script}.py" if isinstance(script, str) else script
    run_process([*prefix, sys.executable, str(path), json.dumps(request)], scratch, variables)
    return json.loads(answer.read_text(encoding="utf-8"))


def run_program(
    program: str,
    loops: int,
    scratch: Scratch,
    tracer: str = "",
    options: dict[str, Any] | None = None,
    warmup_loops: int = 1,
    output: str = "trace.mlyze",
    prefix: Sequence[str] = (),
    *,
    is_preloaded: bool = False,
) -> dict[str, Any]:
    """Run a program of the catalogue once; the result is that of `worker.measure`."""
    path = scratch.path / output
    path.unlink(missing_ok=True)
    request = {
        "task": "measure",
        "program": program,
        "loops": loops,
        "warmup_loops": warmup_loops,
        "tracer": tracer,
        "options": options or {},
        "output": str(path),
    }
    variables = {"LD_PRELOAD": NATIVE_SHIM} if is_preloaded else None
    result: dict[str, Any] = run_script("worker", request, scratch, prefix, variables)
    return result
