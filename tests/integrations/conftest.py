"""Runs small web applications in processes of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import pytest
from programs import HELPERS, SITE, Programs
from recorded import Run, Trace


@pytest.fixture
def programs(tmp_path: Path) -> Programs:
    """Programs in a directory of the test's own."""
    return Programs(tmp_path)


class Served:
    """What became of a program that served requests."""

    def __init__(self, run: Run, directory: Path) -> None:
        self.run = run
        self.paths = sorted(directory.glob("*.mlyze"))

    @property
    def lines(self) -> list[str]:
        """Its output."""
        return self.run.lines

    def read(self, path: Path) -> Trace:
        """One of its traces."""
        return Trace(path)

    @property
    def trace(self) -> Trace:
        """Its only trace, which must be whole."""
        assert len(self.paths) == 1, self.paths
        trace = Trace(self.paths[0])
        assert trace.is_complete
        trace.check_sound()
        return trace


@pytest.fixture
def serve(programs: Programs) -> Callable[..., Served]:
    """Run a program that can import `asgi_calls`; it must end well.

    Its integrations write into the directory of the test.
    """

    def serve(source: str, *arguments: str, status: int = 0, **how: Any) -> Served:
        variables = {"PYTHONPATH": f"{SITE}:{HELPERS}", **how.pop("env", {})}
        done = programs.run(source, *arguments, env=variables, **how)
        assert done.status == status, f"status {done.status}: {done.stdout}{done.stderr}"
        return Served(done, programs.directory)

    return serve


def windows(trace: Trace, **wanted: Any) -> list[dict[str, Any]]:
    """The windows with these values, in the order of their start."""
    return [
        window
        for window in trace.windows.values()
        if all(window[name] == value for name, value in wanted.items())
    ]
