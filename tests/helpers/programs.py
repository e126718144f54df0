"""Runs small programs in processes of their own, with and without a recording."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any, Iterator

import pytest
from recorded import Run, Trace

from memlyze.trace.family import find_family

HELPERS = Path(__file__).parent
SITE = HELPERS.parent / "tracer" / "site"
TIMEOUT_SECONDS = 120


def environment(**variables: str) -> dict[str, str]:
    """The environment of a program: this one's, without what would change how it allocates."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "MEMLYZE", "COV_"))
    }
    return {**kept, "PYTHONPATH": str(SITE), "PYTHONHASHSEED": "0", **variables}


class Programs:
    """Writes programs into a directory and runs them there."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.trace_path = directory / "trace.mlyze"

    def write(self, source: str, name: str = "program.py") -> Path:
        """The program's file."""
        path = self.directory / name
        path.write_text(textwrap.dedent(source), encoding="utf-8")
        return path

    @contextlib.contextmanager
    def started(
        self,
        source: str,
        *arguments: str,
        options: dict[str, Any] | None = None,
        env: dict[str, str] | None = None,
        flags: tuple[str, ...] = (),
        **popen: Any,
    ) -> Iterator[subprocess.Popen[str]]:
        """The running program; recorded from its first line on when `options` are given."""
        variables = dict(env or {})
        if options is not None:
            options = {"output_file": str(self.trace_path), "sample_rate": 1.0, **options}
            variables["MEMLYZE_TEST_RECORD"] = json.dumps(options)
        popen = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "cwd": self.directory,
            **popen,
        }
        command = [sys.executable, *flags, str(self.write(source)), *arguments]
        with subprocess.Popen(
            command,
            env=environment(**variables),
            universal_newlines=True,
            encoding="utf-8",
            errors="surrogateescape",
            start_new_session=True,
            **popen,
        ) as process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)

    def family(self) -> list[Trace]:
        """The decoded traces of all processes but the first, in the order of their start."""
        return [Trace(Path(path)) for path in find_family([self.trace_path]).paths[1:]]

    def files(self) -> list[str]:
        """The names of all traces."""
        return sorted(path.name for path in self.directory.glob("*.mlyze"))

    def run(self, source: str, *arguments: str, **how: Any) -> Run:
        """Run a program to its end."""
        with self.started(source, *arguments, **how) as process:
            try:
                stdout, stderr = process.communicate(timeout=TIMEOUT_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                stdout, stderr = process.communicate()
                pytest.fail(f"the program hangs; it said {stdout!r} and {stderr!r}")
        return Run(stdout or "", stderr or "", process.returncode, self.trace_path)
