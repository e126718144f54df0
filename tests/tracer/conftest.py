"""Runs small programs in processes of their own, with and without a recording."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Callable

import pytest
import seccomp
from native_programs import LIBRARY, SHIM, Recorder, build
from programs import Programs
from recorded import Run

HERE = Path(__file__).parent


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


@pytest.fixture(params=list(seccomp.REFUSED))
def any_table(request: Any) -> dict[str, Any]:
    """For Popen: each way to have descriptors."""
    return seccomp.popen(request.param)


@pytest.fixture(params=[table for table in seccomp.REFUSED if table != "shared"])
def own_table(request: Any) -> dict[str, Any]:
    """For Popen: each way to have descriptors that the program does not see."""
    return seccomp.popen(request.param)


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
