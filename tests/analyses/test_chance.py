"""What is called a difference beyond chance, on figures drawn as a sampler draws them."""

from __future__ import annotations

import math
import random

import pytest

from memlyze.analyses.chance import (
    FALSE_DISCOVERY_RATE,
    MOST_COUNTED,
    Sampled,
    adjusted,
    p_value,
    variance_of_change,
)
from memlyze.analyses.estimates import half_width

STEP = 512.0


def drawn(samples: int, step: float = STEP) -> Sampled:
    """A figure of small objects that rests on so many samples."""
    return Sampled(samples * step, samples * step * step, step)


def poisson(generator: random.Random, mean: float) -> int:
    """How many samples are drawn where `mean` are to be expected."""
    count, waited = 0, generator.expovariate(1.0)
    while waited < mean:
        count, waited = count + 1, waited + generator.expovariate(1.0)
    return count


@pytest.mark.parametrize("mean", [0.5, 3, 30, 300])
@pytest.mark.parametrize("step", [1.0, 0.25])
def test_equal_figures_hardly_ever_differ(mean: float, step: float) -> None:
    """At a level of 5 %, also where the two are sampled at different rates."""
    generator = random.Random(7)
    found = sum(
        p_value(
            drawn(poisson(generator, mean)), drawn(poisson(generator, mean / step), STEP * step)
        )
        < 0.05
        for _ in range(1000)
    )
    assert found < 65


def test_real_differences_are_found() -> None:
    generator = random.Random(8)
    found = sum(
        p_value(drawn(poisson(generator, 100)), drawn(poisson(generator, 150))) < 0.05
        for _ in range(500)
    )
    assert found > 400


def test_of_many_rows_few_are_falsely_called_different() -> None:
    generator = random.Random(9)
    false = true = 0
    for _ in range(40):
        means = [(20, 20)] * 180 + [(20, 60)] * 20
        chances = adjusted(
            [p_value(drawn(poisson(generator, a)), drawn(poisson(generator, b))) for a, b in means]
        )
        found = [place for place, chance in enumerate(chances) if chance < FALSE_DISCOVERY_RATE]
        false += sum(place < 180 for place in found)
        true += sum(place >= 180 for place in found)
    assert true > 0.8 * 40 * 20
    assert false < 1.5 * FALSE_DISCOVERY_RATE * (false + true)


def test_exact_figures_differ_by_any_difference() -> None:
    assert p_value(Sampled(100, 0, 0), Sampled(101, 0, 0)) == 0
    assert p_value(Sampled(100, 0, 0), Sampled(100, 0, 0)) == 1


def test_figure_without_a_sample_is_not_taken_for_exact() -> None:
    nothing = Sampled(0, 0, STEP)
    assert p_value(nothing, Sampled(STEP, 0, 0)) > 0.3
    assert p_value(nothing, Sampled(40 * STEP, 0, 0)) < 0.001


def test_few_samples_are_tested_exactly() -> None:
    """Each falls to one of both, as a coin does that is as fair as their rates are equal."""
    assert p_value(drawn(0), drawn(14)) == pytest.approx(
        max(2 * 0.5**14, math.erfc(math.sqrt(14 / 2)))
    )
    assert p_value(drawn(0), drawn(5)) == pytest.approx(2 * 0.5**5)
    assert p_value(drawn(5), drawn(0)) == pytest.approx(2 * 0.5**5)
    assert p_value(drawn(3), drawn(3)) == 1
    assert p_value(drawn(1), drawn(6)) == pytest.approx(2 * (1 + 7) / 2**7)
    nine_to_one = p_value(drawn(0, STEP / 8), drawn(2))
    assert nine_to_one > 0.05


@pytest.mark.parametrize("step", [STEP, STEP / 8, 8 * STEP, 0.0])
def test_what_is_beyond_chance_has_an_interval_that_excludes_nothing(step: float) -> None:
    counts = [*range(12), 20, 45, 60, 200]
    for first in counts:
        for second in counts:
            before = drawn(first, step) if step else Sampled(first * STEP, 0.0, 0.0)
            after = drawn(second)
            change = abs(after.value - before.value)
            if p_value(before, after) < 0.05:
                assert half_width(variance_of_change(before, after)) < change


def test_one_sample_is_never_beyond_chance() -> None:
    for before in (drawn(0), drawn(0, STEP / 100), Sampled(0.0, 0.0, 0.0)):
        assert p_value(before, drawn(1)) > 0.05
        assert p_value(drawn(1), before) > 0.05


def test_exact_test_and_normal_one_meet() -> None:
    """A sample more on both sides changes little where one gives way to the other."""
    half = MOST_COUNTED // 2
    below = p_value(drawn(half - 8), drawn(half + 8))
    above = p_value(drawn(half - 7), drawn(half + 9))
    assert above == pytest.approx(below, rel=0.25)


def test_adjusted_p_values_keep_their_order_and_are_no_smaller() -> None:
    assert adjusted([0.01, 0.04, 0.03, 0.5]) == pytest.approx([0.04, 0.16 / 3, 0.16 / 3, 0.5])
    assert adjusted([]) == []
    assert adjusted([1.0, 1.0]) == [1.0, 1.0]
