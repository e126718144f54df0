"""The lives that are sorted in C are those that one gets by going through the allocations."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from memlyze._speedups import _event_sums
from memlyze.query.leaks.clock import CELLS, COHORTS
from memlyze.query.leaks.curves import BEFORE, Requests, read_lives

SECOND = 1_000_000_000
STACKS = 5
SPAN = (2 * SECOND, 50 * SECOND)
NOTHING = np.empty(0, np.int64)
ALWAYS_BUSY: Any = SimpleNamespace(busy_cell=np.arange(CELLS + 1))


def random_allocations(random: Any, *, count: int, is_exact: bool) -> dict[str, Any]:
    """Some from before the process, some freed at once, some no memory, some never freed."""
    time_ns = random.integers(0, 52 * SECOND, count)
    freed_ns = time_ns + random.integers(0, 3, count) * random.integers(0, SECOND, count)
    columns = {
        "time_ns": time_ns,
        "freed_ns": np.where(random.random(count) < 0.2, -1, freed_ns),
        "size": random.integers(1, 10_000, count).astype(np.int32),
        "allocator": random.integers(0, 7, count).astype(np.uint8),
        "stack_id": random.integers(0, STACKS, count).astype(np.int32),
        "thread_id": np.ones(count, np.int32),
        "window_id": random.integers(0, 4, count).astype(np.int32),
    }
    return columns if is_exact else {**columns, "weight": 1 + random.random(count)}


@pytest.mark.parametrize("is_in_halves", [False, True])
@pytest.mark.parametrize("is_exact", [True, False])
def test_lives_are_those_of_each_allocation(
    is_exact: bool, is_in_halves: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if is_in_halves:
        monkeypatch.setattr("memlyze.query.halves._MANY_ROWS", 1)
    allocations = random_allocations(np.random.default_rng(3), count=2000, is_exact=is_exact)
    rows = slice(100, 1900)
    runs = {"time_ns": np.array([20 * SECOND]), "duration_ns": np.array([5 * SECOND])}
    lives = read_lives(
        allocations, rows, runs, np.empty((0, 2)), None, SPAN, STACKS, clock=ALWAYS_BUSY
    )

    lasting, sums, firsts = [], np.zeros((STACKS, COHORTS)), [np.iinfo(np.int64).max] * STACKS
    activity = [0] * CELLS
    for row in range(rows.start, rows.stop):
        made, freed, size, allocator, stack, _, window = (
            int(allocations[name][row]) for name in list(allocations)[:7]
        )
        if allocator > 4:
            continue
        weight = 1.0 if is_exact else float(allocations["weight"][row])
        cell_ns = (SPAN[1] - SPAN[0]) / CELLS
        born, died = (
            min(max(int((time - SPAN[0]) / cell_ns), 0), CELLS - 1) for time in (made, freed)
        )
        died = CELLS if freed == -1 else died
        firsts[stack] = min(firsts[stack], made)
        if made < SPAN[0]:
            born = BEFORE
        else:
            sums[stack, born * COHORTS // CELLS] += size * weight
            activity[born] += 1
        if died > born:
            variance = size * size * weight * (weight - 1)
            is_in_run = 20 * SECOND <= freed <= 25 * SECOND
            lasting.append((stack, born, died, size * weight, variance, window, is_in_run))

    assert lives.activity.tolist() == activity
    assert lives.stack_samples.sum() == sum(activity)
    assert np.allclose(lives.stack_bytes, sums)
    assert lives.stack_first_ns.tolist() == firsts
    found = zip(
        lives.stack_id.tolist(),
        lives.born.tolist(),
        lives.died.tolist(),
        lives.bytes.tolist(),
        lives.variance.tolist(),
        lives.window_id.tolist(),
        lives.died_in_collection.tolist(),
    )
    assert list(found) == [pytest.approx(each) for each in lasting]


def test_lives_that_are_counted_by_requests_are_those_of_what_outlives_its_own() -> None:
    allocations = random_allocations(np.random.default_rng(4), count=2000, is_exact=True)
    allocations["window_id"] = np.random.default_rng(5).integers(0, 130, 2000).astype(np.int32)
    # Half of the windows are of this name; they overlap, and the last has not ended.
    own = np.arange(1, 130, 2)
    starts = np.sort(np.random.default_rng(6).integers(0, 40 * SECOND, len(own)))
    ends = starts + 3 * SECOND
    ends[-1] = -1
    numbers = np.full(120, -1)
    numbers[own[own < 120]] = np.arange(len(own))[own < 120]
    lives = read_lives(
        allocations,
        slice(0, 2000),
        {"time_ns": NOTHING, "duration_ns": NOTHING},
        np.empty((0, 2)),
        None,
        (0, len(own) * CELLS),
        STACKS,
        requests=Requests(numbers, starts, ends),
        clock=ALWAYS_BUSY,
    )

    expected, made = [], 0
    for window, freed, allocator in zip(
        *(allocations[name].tolist() for name in ("window_id", "freed_ns", "allocator"))
    ):
        number = int(numbers[window]) if window < 120 else -1
        if number < 0 or allocator > 4:
            continue
        made += 1
        end = int(ends[number]) if ends[number] >= 0 else np.inf
        begun = number if freed <= end else max(int((starts < freed).sum()), number)
        born, died = (min(n * CELLS // len(own), CELLS - 1) for n in (number, begun))
        if freed == -1 or died > born:
            expected.append((born, CELLS if freed == -1 else died))
    assert list(zip(lives.born.tolist(), lives.died.tolist())) == expected
    assert any(died < CELLS for _, died in expected)
    assert lives.stack_samples.sum() == lives.activity.sum() == made


def test_windows_of_requests_that_are_not_there_are_refused() -> None:
    allocations = random_allocations(np.random.default_rng(3), count=100, is_exact=True)
    cut = {"start_ns": 0, "cells_per_ns": 1e-9, "cells": CELLS, "cells_per_cohort": 40}
    with pytest.raises(ValueError, match="request"):
        _event_sums.sort_lives(
            allocations,
            **cut,
            stacks=STACKS,
            number_of_window=np.array([-1, 2], np.int32),
            request_start_ns=np.arange(2),
            request_end_ns=np.arange(2),
        )


def test_no_allocations_have_no_lives() -> None:
    allocations = random_allocations(np.random.default_rng(3), count=0, is_exact=True)
    runs = {"time_ns": NOTHING, "duration_ns": NOTHING}
    lives = read_lives(allocations, slice(0, 0), runs, np.empty((0, 2)), None, (0, 0), STACKS)
    assert not len(lives.born)
    assert not lives.stack_samples.any()


def test_stack_that_is_not_there_is_refused() -> None:
    allocations = random_allocations(np.random.default_rng(3), count=100, is_exact=True)
    cut = {"start_ns": 0, "cells_per_ns": 1e-9, "cells": CELLS, "cells_per_cohort": 40}
    with pytest.raises(ValueError, match="stack"):
        _event_sums.sort_lives(allocations, **cut, stacks=STACKS - 1)
