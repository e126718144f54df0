"""Figures with their error bars."""

from __future__ import annotations

import math
import typing

# Half of the 95 % interval of a normal distribution, in standard deviations.
Z = 1.96
#: Below so many samples even the interval is a guess.
TOO_FEW_SAMPLES = 10


class Estimate(typing.NamedTuple):
    """A figure and the half width of its 95 % interval (0: exact)."""

    value: float
    error: float


def estimate(value: float, variance: float) -> Estimate:
    """The estimate that has this variance."""
    # Sums of variances that are added and taken away again may end a little below 0.
    return Estimate(value, Z * math.sqrt(max(variance, 0.0)))
