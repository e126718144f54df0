"""The examples run under `memlyze record` as they do without it, and show what they promise."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Iterator

import pytest

import memlyze

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
PROGRAMS = {
    "leaking_service": ["leaking_service.py"],
    "numeric_job": ["numeric_job.py"],
    "numeric_job_plain": ["numeric_job.py", "--plain"],
    "data_pipeline": ["data_pipeline.py"],
    "data_pipeline_streaming": ["data_pipeline.py", "--streaming"],
}


def run(*command: str) -> str:
    """Run a command of this Python; what it prints on standard output."""
    result = subprocess.run(
        [sys.executable, *command],
        cwd=str(Path(sys.executable).parent),  # where no source tree is
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def record(trace: Path, *program: str) -> str:
    path, *arguments = program
    command = ("-m", "memlyze", "record", "--quiet", "-o", str(trace), str(EXAMPLES / path))
    return run(*command, *arguments)


class Recorded:
    """The traces of the example programs, each recorded when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._output: dict[str, str] = {}

    def output(self, name: str) -> str:
        if name not in self._output:
            self._output[name] = record(self._folder / name, *PROGRAMS[name])
        return self._output[name]

    def query(self, name: str, sql: str) -> list[tuple[object, ...]]:
        self.output(name)
        with memlyze.open(self._folder / name) as trace:
            rows: list[tuple[object, ...]] = trace.sql(sql).fetchall()
        return rows


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    yield Recorded(tmp_path_factory.mktemp("examples"))


@pytest.mark.parametrize("name", PROGRAMS)
def test_recorded_example_prints_what_it_prints_without_memlyze(
    recorded: Recorded, name: str
) -> None:
    path, *arguments = PROGRAMS[name]
    assert recorded.output(name) == run(str(EXAMPLES / path), *arguments)


def test_leak_of_the_service_is_its_greatest_live_site(recorded: Recorded) -> None:
    ((function, live_bytes),) = recorded.query(
        "leaking_service",
        "SELECT function, live_bytes FROM hotspots() ORDER BY live_bytes DESC LIMIT 1",
    )
    assert "Session.__init__" in str(function) or function in ("<listcomp>", "__init__")
    # 16 000 sessions, each with a list of 40 strings.
    assert 20e6 < float(str(live_bytes)) < 100e6


def test_windows_of_the_service_tell_the_leak_from_the_spike(recorded: Recorded) -> None:
    rows = recorded.query(
        "leaking_service",
        "SELECT name, windows, live_bytes > 20e6 FROM windows_by_name() WHERE windows > 0",
    )
    assert sorted(rows) == [
        ("GET /item", 31996, False),
        ("GET /report", 6, False),
        ("POST /login", 15998, True),
    ]


def test_streaming_pipeline_needs_a_fraction_of_the_live_heap(recorded: Recorded) -> None:
    peaks = [
        float(str(recorded.query(name, "SELECT max(heap_live) FROM memory")[0][0]))
        for name in ("data_pipeline", "data_pipeline_streaming")
    ]
    assert peaks[0] > 4 * peaks[1]


def test_each_stage_of_the_pipeline_is_a_window(recorded: Recorded) -> None:
    rows = recorded.query(
        "data_pipeline", "SELECT name FROM windows WHERE kind = 'call' ORDER BY start_ns"
    )
    assert rows == [("generate",), ("total_all_at_once",), ("write_json_lines",)]
