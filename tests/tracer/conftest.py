"""Runs small programs in processes of their own, with and without a recording."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest
from native_programs import LIBRARY, SHIM, Recorder, build
from recorded import Run, Trace

from memlyze.trace.family import find_family

HERE = Path(__file__).parent
TIMEOUT_SECONDS = 120


def environment(**variables: str) -> dict[str, str]:
    """The environment of a program: this one's, without what would change how it allocates."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "MEMLYZE", "COV_"))
    }
    return {**kept, "PYTHONPATH": str(HERE / "site"), "PYTHONHASHSEED": "0", **variables}


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


@pytest.fixture
def programs(tmp_path: Path) -> Programs:
    """Programs in a directory of the test's own."""
    return Programs(tmp_path)


@pytest.fixture
def run(programs: Programs) -> Callable[..., Run]:
    """Run a program as it is; `sys.argv[1]` is where a trace may go. It must end well."""

    def run(source: str, *, status: int = 0, **how: Any) -> Run:
        done = programs.run(source, str(programs.trace_path), **how)
        assert done.status == status, f"status {done.status}: {done.stdout}{done.stderr}"
        return done

    return run


@pytest.fixture
def record(programs: Programs) -> Callable[..., Run]:
    """Run a program, recorded from first line to end at sample_rate=1.0; it must end well."""

    def record(
        source: str,
        *arguments: str,
        status: int = 0,
        env: dict[str, str] | None = None,
        flags: tuple[str, ...] = (),
        **options: Any,
    ) -> Run:
        done = programs.run(source, *arguments, options=options, env=env, flags=flags)
        assert done.status == status, f"status {done.status}: {done.stdout}{done.stderr}"
        return done

    return record


@pytest.fixture
def same(programs: Programs) -> Callable[..., Run]:
    """Run a program without and with a recording: output and end must be the same."""

    def same(
        source: str,
        *arguments: str,
        env: dict[str, str] | None = None,
        flags: tuple[str, ...] = (),
        popen: dict[str, Any] | None = None,
        **options: Any,
    ) -> Run:
        how: dict[str, Any] = {"env": env, "flags": flags, **(popen or {})}
        plain = programs.run(source, *arguments, **how)
        recorded = programs.run(source, *arguments, options=options, **how)
        assert recorded.stdout == plain.stdout
        assert _comparable(recorded.stderr) == _comparable(plain.stderr)
        assert recorded.status == plain.status
        return recorded

    return same


def _comparable(stderr: str) -> str:
    """Without what differs from run to run, and the list of modules that a crash ends with."""
    return re.sub(r"0x[0-9a-f]+|\n+Extension modules: .*", "", stderr)


@pytest.fixture(scope="session")
def native(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The path of a library of C functions that behave as extension modules may."""
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if not compiler:
        pytest.skip("no C compiler")
    library = tmp_path_factory.mktemp("native") / "native.so"
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-O1", "-pthread", "-o", library, HERE / "native.c"],
        check=True,
    )
    return str(library)


@pytest.fixture(scope="session")
def native_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that allocates with the C library's functions."""
    return build(HERE / "native_memory.c", tmp_path_factory.mktemp("native_memory") / "library.so")


@pytest.fixture(params=["preloaded", "patched"])
def record_native(request: Any, record: Any, native_library: Path) -> Recorder:
    """Record a program that uses that library, in either of the two ways to see native memory."""

    def run(source: str, *arguments: str, env: dict[str, str] | None = None, **how: Any) -> Run:
        variables = {"NATIVE_LIBRARY": str(native_library), **(env or {})}
        if request.param == "preloaded":
            preload = [str(SHIM), variables.get("LD_PRELOAD", "")]
            variables["LD_PRELOAD"] = ":".join(part for part in preload if part)
        done: Run = record(LIBRARY + source, *arguments, env=variables, **how)
        return done

    return run
