"""Scripts written for pyperf hand over the workload that is asked for, however they declare it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Iterator

import pytest
from harness.pyperf_runner import Workload, WorkloadMissingError, run_script

SCRIPT = """
import pyperf

calls = []

async def tick():
    calls.append("async")

if __name__ == "__main__":
    runner = pyperf.Runner()
    runner.metadata["description"] = "three workloads"
    runner.argparser.add_argument("--word", default="none")
    word = runner.parse_args().word
    runner.bench_func("function", calls.append, word)
    runner.bench_time_func("timed", lambda loops, by: calls.append(loops * by), 10, inner_loops=2)
    runner.bench_async_func("coroutine", tick)
    raise SystemExit("went on after the last workload")
"""


@pytest.fixture
def script(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "script.py"
    path.write_text(SCRIPT, encoding="utf-8")
    before = sys.argv, list(sys.path), sys.modules.get("pyperf")
    yield path
    sys.argv, sys.path[:] = before[0], before[1]
    sys.modules.pop("pyperf", None)
    if before[2] is not None:
        sys.modules["pyperf"] = before[2]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("function", ["hello", "hello", "hello"]),
        ("timed", [30]),
        ("coroutine", ["async", "async", "async"]),
    ],
)
def test_workload_is_repeated_as_often_as_asked(
    script: Path, name: str, expected: list[object]
) -> None:
    seen: list[object] = []

    def measure(workload: Workload) -> None:
        workload(3)
        seen.extend(sys.modules["__main__"].calls)  # type: ignore[attr-defined]

    run_script(script, ["--word", "hello"], name, measure)
    assert seen == expected


def test_workload_that_does_not_exist_is_named(script: Path) -> None:
    script.write_text(SCRIPT.replace("raise SystemExit", "print"), encoding="utf-8")
    with pytest.raises(WorkloadMissingError, match="no workload 'nope'; it has function, timed"):
        run_script(script, [], "nope", lambda workload: None)
