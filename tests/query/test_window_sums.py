"""The figures of windows are those that one gets by going through the allocations of each."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from memlyze.query.raw_tables import RAW_TABLES
from memlyze.query.window_sums import window_sums

SECOND = 1_000_000_000
NEVER = -1


def random_windows(random: Any) -> dict[str, Any]:
    """Some inside of others, some never closed; the parent of one is not known."""
    ids = np.array([7, 3, 9, 12, 5, 20, 21], dtype=np.int64)
    parents = np.array([0, 7, 3, 0, 9, 99, 0], dtype=np.int64)
    ends = random.integers(1, 100, len(ids)) * SECOND
    ends[3] = NEVER
    return {"window_id": ids, "parent_id": parents, "end_ns": ends}


def random_allocations(random: Any, windows: dict[str, Any], *, count: int) -> dict[str, Any]:
    """Of few moments, some in no window, some in one that is not known, some no memory."""
    used = np.array([0, 77, *windows["window_id"][:-1]])
    time_ns = random.integers(0, 50, count) * SECOND
    freed_ns = time_ns + random.integers(0, 20, count) * SECOND
    return {
        "time_ns": time_ns,
        "freed_ns": np.where(random.random(count) < 0.1, NEVER, freed_ns),
        "size": random.integers(1, 10_000, count).astype(np.int32),
        "weight": 1 + random.integers(0, 3, count) * random.random(count),
        "allocator": random.integers(0, 6, count).astype(np.uint8),
        "stack_id": np.zeros(count, dtype=np.int32),
        "thread_id": np.ones(count, dtype=np.int32),
        "window_id": random.choice(used, count).astype(np.int64),
    }


def around(window_id: int, windows: dict[str, Any]) -> list[int]:
    """A window and those around it."""
    parents = dict(zip(windows["window_id"].tolist(), windows["parent_id"].tolist()))
    found = [window_id]
    while parents.get(found[-1], 0) in parents:
        found.append(parents[found[-1]])
    return found


def one_by_one(allocations: dict[str, Any], windows: dict[str, Any]) -> dict[int, dict[str, float]]:
    """The same figures, the plain way."""
    ends = dict(zip(windows["window_id"].tolist(), windows["end_ns"].tolist()))
    names = ("time_ns", "freed_ns", "size", "weight", "allocator", "window_id")
    rows = list(zip(*(allocations[name].tolist() for name in names)))
    blocks: dict[int, list[Any]] = {}
    for made, freed, size, weight, allocator, own in rows:
        if allocator <= 4 and (own == 0 or own in ends):
            freed = np.inf if freed == NEVER else freed
            for window in [0] if own == 0 else around(own, windows):
                blocks.setdefault(window, []).append((made, freed, size, weight, own))
    return {
        window: figures(of_window, ends.get(window, NEVER), window)
        for window, of_window in blocks.items()
    }


def figures(blocks: list[Any], end_ns: float, window: int) -> dict[str, float]:
    end_ns = np.inf if end_ns == NEVER else end_ns

    def summed(chosen: list[Any]) -> tuple[float, float]:
        return (
            sum(size * weight for _, _, size, weight, _ in chosen),
            sum(size * size * weight * (weight - 1) for _, _, size, weight, _ in chosen),
        )

    def held_before(moment: float) -> tuple[float, float]:
        return summed([block for block in blocks if block[0] < moment <= block[1]])

    found: dict[str, float] = {
        "samples": len(blocks),
        "allocations": sum(block[3] for block in blocks),
        "allocations_variance": sum(block[3] * (block[3] - 1) for block in blocks),
    }
    peak, peak_variance = max(
        summed([block for block in blocks if block[0] <= moment < block[1]])
        for moment in sorted({block[0] for block in blocks})
    )
    largest = max(block[2] for block in blocks)
    pairs = {
        "": summed(blocks),
        "own_": summed([block for block in blocks if block[4] == window]),
        "live": summed([block for block in blocks if block[1] == np.inf]),
        "retained": held_before(end_ns),
        "retained_1s": held_before(end_ns + SECOND),
        "retained_10s": held_before(end_ns + 10 * SECOND),
        "retained_60s": held_before(end_ns + 60 * SECOND),
        "peak": (max(peak, largest), peak_variance if peak >= largest else 0.0),
    }
    for name, (bytes_, variance) in pairs.items():
        is_prefix = name in ("", "own_")
        found[name + "bytes" if is_prefix else name] = bytes_
        found[f"{name}variance" if is_prefix else f"{name}_variance"] = variance
    return found


@pytest.mark.parametrize("count", [3, 40, 2000])
@pytest.mark.parametrize("seed", range(4))
def test_sums_are_those_of_the_single_blocks(seed: int, count: int) -> None:
    random = np.random.default_rng(seed)
    windows = random_windows(random)
    allocations = random_allocations(random, windows, count=count)
    table = window_sums(allocations, windows)
    expected = one_by_one(allocations, windows)
    assert table["window_id"].tolist() == sorted(expected)
    for row, window in enumerate(table["window_id"].tolist()):
        found = {name: float(table[name][row]) for name in table if name != "window_id"}
        assert found == pytest.approx(expected[window], rel=1e-9, abs=1e-6)
        # What is all freed is 0, not nearly.
        zero = {name for name in found if expected[window][name] == 0}
        assert {name for name in found if found[name] == 0} == zero


def test_all_columns_are_there_though_nothing_was_allocated() -> None:
    random = np.random.default_rng(0)
    windows = random_windows(random)
    table = window_sums(random_allocations(random, windows, count=0), windows)
    assert table.keys() == RAW_TABLES["window_sums"].keys()
    assert {len(column) for column in table.values()} == {0}


def test_allocations_without_any_windows_are_of_none() -> None:
    random = np.random.default_rng(0)
    allocations = random_allocations(random, random_windows(random), count=50)
    windows = {name: np.empty(0, np.int64) for name in ("window_id", "parent_id", "end_ns")}
    assert window_sums(allocations, windows)["window_id"].tolist() == [0]
