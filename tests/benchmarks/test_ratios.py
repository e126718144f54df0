"""Ratios are taken within a round, and say how far they can be trusted."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from harness.ratios import Ratios
from harness.results import Results
from harness.spreads import geometric_mean, spread


@pytest.fixture
def results(tmp_path: Path) -> Results:
    results = Results(tmp_path / "results.json")
    results.begin("overhead", "a build", fresh=False)
    return results


def add_round(results: Results, number: int, program: str = "go", **wall_s: float) -> None:
    for mode, seconds in wall_s.items():
        turns = [{"wall_s": seconds}]
        results.add("overhead", {"program": program, "mode": mode, "round": number, "turns": turns})


def test_slow_round_does_not_count_against_the_tracer(results: Results) -> None:
    add_round(results, 0, untraced=1.0, default=1.1)
    add_round(results, 1, untraced=3.0, default=3.3)
    ratio = Ratios(results, "wall_s").of("go", "default")
    assert ratio is not None
    assert ratio.median == pytest.approx(1.1)
    assert ratio.margin == pytest.approx(0)


def test_turns_of_two_processes_are_compared_one_by_one(results: Results) -> None:
    for mode, seconds in (("untraced", (1.0, 5.0, 2.0)), ("default", (1.1, 5.5, 2.2))):
        turns = [{"wall_s": each} for each in seconds]
        results.add("overhead", {"program": "go", "mode": mode, "round": 0, "turns": turns})
    ratio = Ratios(results, "wall_s").of("go", "default")
    assert ratio is not None
    assert ratio.rounds == 3
    assert (ratio.lowest, ratio.highest) == (pytest.approx(1.1), pytest.approx(1.1))


def test_ratio_is_to_both_untraced_runs_and_noise_is_between_them(results: Results) -> None:
    add_round(results, 0, untraced=1.0, untraced_again=4.0, default=6.0)
    ratios = Ratios(results, "wall_s")
    default, noise = ratios.of("go", "default"), ratios.of("go", "untraced_again")
    assert default is not None and default.median == pytest.approx(3.0)
    assert noise is not None and noise.median == pytest.approx(4.0)


def test_failed_run_leaves_the_others_of_its_round(results: Results) -> None:
    add_round(results, 0, untraced=1.0, default=1.5)
    failed = {"program": "go", "mode": "memray", "round": 0, "turns": [], "failure": "status 1"}
    results.add("overhead", failed)
    ratios = Ratios(results, "wall_s")
    assert ratios.of("go", "memray") is None
    assert ratios.of("go", "default") is not None


def test_shortest_runs_are_compared_whatever_their_round(results: Results) -> None:
    add_round(results, 0, untraced=1.0, default=5.0)
    add_round(results, 1, untraced=4.0, default=1.5)
    assert Ratios(results, "wall_s").mean_of_best("default") == pytest.approx(1.5)


def test_own_programs_are_not_in_the_mean_of_pyperformance(results: Results) -> None:
    add_round(results, 0, untraced=1.0, default=2.0)
    add_round(results, 0, "float", untraced=1.0, default=8.0)
    add_round(results, 0, "allocation_loop", untraced=1.0, default=1000.0)
    assert Ratios(results, "wall_s").mean("default") == pytest.approx(4.0)


def test_ratio_within_the_noise_is_not_above_the_limit(results: Results) -> None:
    for number, again in enumerate((0.8, 1.2, 0.7, 1.3)):
        add_round(results, number, untraced=1.0, untraced_again=again, default=1.1)
        add_round(results, number, "float", untraced=1.0, untraced_again=1.0, default=1.1)
    assert Ratios(results, "wall_s").above("default", 1.05) == ["float"]


def test_runs_of_another_build_are_discarded(results: Results) -> None:
    add_round(results, 0, untraced=1.0)
    assert results.begin("overhead", "a build", fresh=False) is None
    assert len(list(results.runs("overhead"))) == 1
    said = results.begin("overhead", "another build", fresh=False)
    assert said is not None and "1 runs" in said
    assert not list(results.runs("overhead"))


def test_results_are_read_back_as_they_were_written(results: Results) -> None:
    add_round(results, 0, untraced=1.0)
    assert Results(results.path).content == results.content


def test_single_measurement_has_no_finite_margin() -> None:
    assert math.isinf(spread([1.0]).margin)


def test_margin_follows_the_deviation_and_shrinks_with_the_rounds() -> None:
    few, many = spread([0.9, 1.0, 1.1] * 4), spread([0.9, 1.0, 1.1] * 36)
    assert few.median == many.median == 1.0
    assert few.margin == pytest.approx(3 * many.margin)


def test_geometric_mean_of_nothing_is_no_number() -> None:
    assert math.isnan(geometric_mean([]))
