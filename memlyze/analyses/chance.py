"""What differs beyond chance: tests of the difference of two estimates, and of many at once."""

from __future__ import annotations

import itertools
import math
import typing

#: Of the differences that are called real, this share is expected not to be.
FALSE_DISCOVERY_RATE = 0.05
#: Up to so many samples of both together, their counts are tested exactly.
MOST_COUNTED = 50


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


def variance_of_change(before: Sampled, after: Sampled) -> float:
    """The variance of the difference, as its interval has it: both may be the same or not."""
    return max(before.variance + after.variance, variance_if_equal(before, after))


def p_value(before: Sampled, after: Sampled) -> float:
    """The chance of such a difference, or a greater one, where there is none in truth.

    Sums of many samples are nearly normal; of few, the two counts are tested exactly. It is never
    less than what the interval of the difference says, so that what is beyond chance (below 5 %)
    has an interval that excludes 0. Of exact figures any difference is real.
    """
    difference = abs(after.value - before.value)
    variance = variance_of_change(before, after)
    if not difference:
        return 1.0
    if variance <= 0:
        return 0.0
    if _counted(before, after) + _counted(after, before) <= MOST_COUNTED:
        return max(_of_counts(before, after), _of_normal(difference, variance))
    # Sums of samples move in steps: Yates's correction.
    return _of_normal(max(difference - (before.step + after.step) / 2, 0.0), variance)


def _of_normal(difference: float, variance: float) -> float:
    return math.erfc(difference / math.sqrt(2 * variance))


def _counted(figure: Sampled, other: Sampled) -> float:
    """How many samples of one size a figure is worth; of an exact one, how many of the other's."""
    return figure.value / (figure.step or other.step)


def _of_counts(before: Sampled, after: Sampled) -> float:
    """The exact test of two counts: each sample is as likely to be of one side as its step is
    small; where one side is exact, the other's count is expected to be what that says.
    """
    # A little is added as whole numbers of samples are sums of floats; parts of one do not count.
    first, second = (int(_counted(*pair) + 1e-6) for pair in ((before, after), (after, before)))
    if before.step > 0 and after.step > 0:
        probability = after.step / (before.step + after.step)
        return _two_sided(first, _binomial(first + second, probability))
    exact, number = (before, second) if before.step <= 0 else (after, first)
    return _two_sided(number, _poisson(_counted(exact, after if exact is before else before)))


def _two_sided(number: int, probabilities: typing.Iterable[float]) -> float:
    """Twice the lesser tail of the distribution whose probabilities of 0, 1, … these are."""
    below = 0.0
    of_number = 0.0
    for place, probability in enumerate(probabilities):
        if place == number:
            of_number = probability
            break
        below += probability
    return min(1.0, 2 * min(below + of_number, max(1.0 - below, 0.0)))


def _binomial(trials: int, probability: float) -> typing.Iterator[float]:
    term = (1 - probability) ** trials
    for place in range(trials + 1):
        yield term
        term *= (trials - place) / (place + 1) * probability / (1 - probability)


def _poisson(mean: float) -> typing.Iterator[float]:
    term = math.exp(-mean)
    for place in itertools.count(1):
        yield term
        term *= mean / place


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
