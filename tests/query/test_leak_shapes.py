"""What the shape of a curve is measured from, and what it must have to be growth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from memlyze.query.leaks.clock import CELLS
from memlyze.query.leaks.curves import lay_curves, read_lives
from memlyze.query.leaks.shape import measure, without_greatest_step
from memlyze.query.leaks.verdicts import judge

SECOND = 1_000_000_000
COUNT = 4 * CELLS


def test_what_shrank_in_the_last_two_thirds_does_not_grow() -> None:
    """A table that goes up and down may rise through the last third, and have less than before."""
    kept: dict[str, Any] = {
        "time_ns": np.linspace(SECOND, 9 * SECOND, COUNT).astype(np.int64),
        "freed_ns": np.full(COUNT, -1),
        "size": np.full(COUNT, 1000, np.int32),
        "allocator": np.ones(COUNT, np.uint8),
        "stack_id": np.zeros(COUNT, np.int32),
        "thread_id": np.ones(COUNT, np.int32),
        "window_id": np.zeros(COUNT, np.int32),
    }
    no_runs = {"time_ns": np.empty(0, np.int64), "duration_ns": np.empty(0, np.int64)}
    span = (0, 10 * SECOND)
    lives = read_lives(kept, slice(0, COUNT), no_runs, np.empty((0, 2)), None, span, 1)
    of_stack = np.zeros(1, np.int64)
    curves = lay_curves(lives, of_stack)
    shapes = measure(curves, lives, of_stack)
    assert judge(curves, shapes, lives).verdict.tolist() == ["growing"]
    shrunk = shapes._replace(gain=-shapes.gain)
    assert judge(curves, shrunk, lives).verdict.tolist() == ["warming_up"]


@pytest.mark.parametrize(
    ("is_single", "left"),
    [
        # One block that is copied to grow was missed by sampling for a moment: nothing fell.
        (True, [10, 20, 30, 40, 40, 40, 50, 60, 70]),
        # Of several blocks, some were freed, and more came: that stays.
        (False, [10, 20, 30, 40, 5, 5, 15, 25, 35]),
    ],
)
def test_what_sampling_missed_of_one_block_is_of_the_step_that_follows(
    is_single: bool, left: list[int]
) -> None:
    levels = np.array([[10, 20, 30, 40, 5, 60, 70, 80, 90]])
    assert without_greatest_step(levels, np.array([is_single])).tolist() == [left]


@pytest.mark.parametrize("is_single", [True, False])
def test_what_is_there_twice_for_a_moment_is_one_step(is_single: bool) -> None:
    levels = np.array([[10, 20, 60, 30, 40, 50]])
    assert without_greatest_step(levels, np.array([is_single])).tolist() == [
        [10, 20, 20, 20, 30, 40]
    ]
