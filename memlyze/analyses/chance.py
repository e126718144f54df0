"""What differs beyond chance: tests of the difference of two estimates, and of many at once."""

from __future__ import annotations

import math
import typing

#: Of the differences that are called real, this share is expected not to be.
FALSE_DISCOVERY_RATE = 0.05


class Sampled(typing.NamedTuple):
    """A figure and the variance that sampling gave it; 0: exact."""

    value: float
    variance: float
    step: float
    """How much of the figure a sample stands for: the variance that each unit of it has. Where no
    sample was drawn, what one would have stood for; 0: exact.
    """


def variance_if_equal(before: Sampled, after: Sampled) -> float:
    """The variance of the difference, if both figures were the same in truth.

    It is that of their common value, which is their mean, weighted by how well each is known. So a
    figure of which no sample was drawn is not taken for exact.
    """
    steps = before.step + after.step
    if steps <= 0:
        return 0.0
    common = (before.value * after.step + after.value * before.step) / steps
    return steps * common


def p_value(before: Sampled, after: Sampled) -> float:
    """The chance of such a difference, or a greater one, where there is none in truth.

    A sum of samples is nearly normal when they are many. When they are few it moves in steps of one
    sample, so the difference is taken for smaller by half a step of each: for small objects, where
    all samples are of one size, that is Yates's correction of the test of two counts. Of exact
    figures any difference is real.
    """
    difference = abs(after.value - before.value)
    variance = variance_if_equal(before, after)
    if variance <= 0:
        return 0.0 if difference else 1.0
    beyond_step = max(difference - (before.step + after.step) / 2, 0.0)
    return math.erfc(beyond_step / math.sqrt(2 * variance))


def adjusted(p_values: typing.Sequence[float]) -> list[float]:
    """The p-values adjusted for all that were tested (Benjamini and Hochberg): those up to a rate
    are the differences among which that share is false.
    """
    order = sorted(range(len(p_values)), key=lambda place: -p_values[place])
    result = [1.0] * len(p_values)
    least = 1.0
    for rank, place in enumerate(order):
        least = min(least, p_values[place] * len(p_values) / (len(p_values) - rank))
        result[place] = least
    return result
