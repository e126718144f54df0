"""The few statistics that the tables need."""

from __future__ import annotations

import math
from statistics import median
from typing import NamedTuple, Sequence

#: From a median absolute deviation to the standard deviation of a normal distribution.
MAD_TO_SIGMA = 1.4826
#: Standard error of a median against that of a mean.
MEDIAN_TO_MEAN_ERROR = 1.2533


class Spread(NamedTuple):
    """The middle of repeated measurements.

    Attributes:
        median: the value that is reported.
        margin: half width of a 95 % interval around it, from the median absolute deviation;
        infinite
            for a single measurement.
        lowest, highest: the extremes.
        rounds: number of measurements.
    """

    median: float
    margin: float
    lowest: float
    highest: float
    rounds: int


def spread(values: Sequence[float]) -> Spread:
    """Median of the values and how far it can be trusted."""
    middle = median(values)
    deviation = median(abs(value - middle) for value in values)
    error = MEDIAN_TO_MEAN_ERROR * MAD_TO_SIGMA * deviation / math.sqrt(len(values))
    margin = 1.96 * error if len(values) > 1 else math.inf
    return Spread(middle, margin, min(values), max(values), len(values))


def geometric_mean(values: Sequence[float]) -> float:
    """Of positive values; not a number where there are none."""
    if not values:
        return math.nan
    return math.exp(sum(math.log(value) for value in values) / len(values))
