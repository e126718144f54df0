"""What is known of the processes of a trace together: their sampling, and when they ended."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from memlyze.query.process_ends import process_ends
from memlyze.query.sampling import sampling_row

SECOND = 1_000_000_000


def options(*processes: dict[str, str]) -> dict[str, Any]:
    """The table `metadata` of processes 1, 2, …"""
    rows = [
        (number, key, value)
        for number, process in enumerate(processes, 1)
        for key, value in process.items()
    ]
    names = ("process_id", "key", "value")
    return (
        dict(zip(names, map(np.array, zip(*rows)))) if rows else dict.fromkeys(names, np.array([]))
    )


def in_force(*intervals: tuple[int, float]) -> dict[str, Any]:
    """The table `samplings`: processes and their intervals."""
    return {
        "process_id": np.array([number for number, _ in intervals], np.int64),
        "interval_bytes": np.array([interval for _, interval in intervals], np.float64),
    }


def row(metadata: dict[str, Any], samplings: dict[str, Any]) -> dict[str, Any]:
    return {name: column.item() for name, column in sampling_row(metadata, samplings).items()}


def test_exact_trace_leaves_nothing_unseen() -> None:
    found = row(options({"sample_rate": "1.0", "sample_interval": "65536"}), in_force((1, 0)))
    assert found == {
        "is_exact": True,
        "interval_bytes": 0,
        "unseen_bytes": 0,
        "unseen_allocations": 0,
        "closest_interval_bytes": 0,
        "rate": 1,
    }


def test_interval_that_changed_counts_as_the_widest() -> None:
    found = row(
        options({"sample_rate": "0", "sample_interval": "adaptive"}),
        in_force((1, 512), (1, 4096)),
    )
    assert (found["interval_bytes"], found["closest_interval_bytes"]) == (4096, 512)
    assert found["unseen_bytes"] == 3 * 4096
    assert found["unseen_allocations"] == pytest.approx(3 * 4096 / 48)


def test_sampling_whose_rows_are_lost_is_that_of_the_options() -> None:
    nothing = in_force()
    adaptive = row(options({"sample_rate": "0", "sample_interval": '"adaptive"'}), nothing)
    assert adaptive["interval_bytes"] == 524288
    rate = 0.25
    fixed = row(options({"sample_rate": str(rate), "sample_interval": "1000"}), nothing)
    hazard = -math.log(1 - rate)
    assert fixed["unseen_bytes"] == pytest.approx(max((3 - hazard) * 1000, 144 / (hazard + 0.048)))


def test_the_widest_sampling_of_all_processes_counts() -> None:
    processes = [{"sample_rate": "1.0"}, {"sample_rate": "0.5"}, {"sample_rate": "0.1"}]
    found = row(options(*processes), in_force((1, 0), (2, 100), (3, 200)))
    assert not found["is_exact"]
    assert (found["interval_bytes"], found["closest_interval_bytes"]) == (200, 100)
    assert found["rate"] == 0.1


@pytest.mark.parametrize("words", [{}, {"sample_rate": "?", "sample_interval": "nan"}])
def test_nothing_known_is_not_exact(words: dict[str, str]) -> None:
    assert not row(options(words), in_force())["is_exact"]


def test_killed_process_ended_at_its_last_tick_unless_it_may_run_on() -> None:
    processes = {
        "process_id": np.array([1, 2, 3, 4]),
        "end_ns": np.array([9 * SECOND, 4 * SECOND, -1, -1]),
    }
    memory = {
        "process_id": np.array([3, 3, 4]),
        "time_ns": np.array([SECOND, 5 * SECOND, 17 * SECOND // 2]),
    }
    found = process_ends(processes, memory)
    assert found["end_ns"].tolist() == [9 * SECOND, 4 * SECOND, 5 * SECOND, 17 * SECOND // 2]
    assert found["is_over"].tolist() == [False, True, True, False]


def test_single_process_is_not_over_though_its_clock_never_ticked() -> None:
    processes = {"process_id": np.array([7]), "end_ns": np.array([-1])}
    found = process_ends(processes, {"time_ns": np.empty(0, np.int64)})
    assert found["end_ns"].tolist() == [0]
    assert found["is_over"].tolist() == [False]
