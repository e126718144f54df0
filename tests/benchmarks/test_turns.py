"""Processes that take turns: one works, the others stand still."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Iterator

import pytest
from harness.processes import ProgramFailedError, Scratch
from harness.turns import Taker, trace_of


@pytest.fixture
def scratch() -> Iterator[Scratch]:
    with Scratch() as scratch:
        yield scratch


def request(scratch: Scratch, program: str = "allocation_loop", **more: Any) -> dict[str, Any]:
    return {
        "program": program,
        "loops": 1,
        "warmup_loops": 0,
        "tracer": "memlyze",
        "options": {"native": False},
        "output": str(trace_of("a", scratch)),
        **more,
    }


def states(taker: Taker) -> set[str]:
    """Of all threads of the process: `T` is one that is stopped."""
    tasks = Path(f"/proc/{taker._process.pid}/task").glob("*/stat")
    return {task.read_text(encoding="utf-8").rpartition(")")[2].split()[0] for task in tasks}


def test_process_works_in_its_turn_and_stands_still_between(scratch: Scratch) -> None:
    taker = Taker("a", request(scratch), scratch, {})
    try:
        for _ in range(2):
            figures = taker.take_turn()
            assert 0 < figures["thread_cpu_s"] <= figures["cpu_s"] + 0.01
            assert states(taker) == {"T"}
        assert taker.finish()["trace_bytes"] == trace_of("a", scratch).stat().st_size > 0
    finally:
        taker.close()


def test_process_that_ends_instead_says_why(scratch: Scratch) -> None:
    with pytest.raises(ProgramFailedError, match=r"status 1: [^$]*there_is_none"):
        Taker("a", request(scratch, options={"there_is_none": 1}), scratch, {})
