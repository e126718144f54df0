"""What the shape of a curve is measured from."""

from __future__ import annotations

import numpy as np
import pytest

from memlyze.query.leaks.shape import without_greatest_step


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
