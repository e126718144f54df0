"""The few statistics that the tables need."""

from __future__ import annotations

import math
from statistics import median
from typing import NamedTuple, Sequence

#: From a median absolute deviation to the standard deviation of a normal distribution.
MAD_TO_SIGMA = 1.4826
#: Standard error of a median against that of a mean.
MEDIAN_TO_MEAN_ERROR = 1.2533
#: Student's t for a 95 % interval, by number of measurements; a deviation known from few is hardly
#: known.
STUDENT_T = {2: 12.71, 3: 4.30, 4: 3.18, 5: 2.78, 6: 2.57, 7: 2.45, 8: 2.36, 9: 2.31, 10: 2.26}
STUDENT_T_OF_MORE = 2.1


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
    factor = STUDENT_T.get(len(values), STUDENT_T_OF_MORE)
    margin = factor * error if len(values) > 1 else math.inf
    return Spread(middle, margin, min(values), max(values), len(values))


def geometric_mean(values: Sequence[float]) -> float:
    """Of positive values; not a number where there are none."""
    if not values:
        return math.nan
    return math.exp(sum(math.log(value) for value in values) / len(values))
