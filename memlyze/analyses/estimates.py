"""Figures with their error bars: what `query/private/errors.sql` says, for what is summed here."""

from __future__ import annotations

import math
import typing

import numpy as np

Array = typing.Any  # a one-dimensional numpy array
# Half of the 95 % interval of a normal distribution, in standard deviations.
Z = 1.96
#: Below so many samples even the interval is a guess.
TOO_FEW_SAMPLES = 10
#: The relative error of a figure that rests on that many samples which count alike.
FEW_SAMPLES_ERROR = 0.62


class Estimate(typing.NamedTuple):
    """A figure and the half width of its 95 % interval (0: exact)."""

    value: float
    error: float

    @property
    def rests_on_few(self) -> bool:
        """Whether it rests on too few samples: say so instead of showing it as precise."""
        return self.error > FEW_SAMPLES_ERROR * abs(self.value)

    @classmethod
    def sum(cls, parts: typing.Iterable[Estimate]) -> Estimate:
        """Of figures that do not depend on each other."""
        values, errors = zip(*parts, (0, 0))
        return cls(sum(values), sum(error**2 for error in errors) ** 0.5)


class Sampling(typing.NamedTuple):
    """How the figures of a trace are estimated."""

    is_exact: bool
    """Whether all allocations were recorded."""
    interval_bytes: float
    """The widest `sample_interval` that was in force in a process that was sampled; 0: none was."""
    unseen_bytes: float
    """What there may be, with a probability of 5 %, where nothing was recorded."""
    unseen_allocations: float
    """So many small objects may be beside those that were recorded, with that probability."""
    closest_interval_bytes: float
    """The closest that was; less than the widest where it went by the program's pace."""
    rate: float
    """The least `sample_rate` of the processes."""

    def of_bytes(self, value: float, variance: float) -> Estimate:
        """The estimate of bytes that has this variance."""
        # Sums of floats that are added and taken away again end a little beside 0.
        is_nothing = abs(value) < 0.5
        return Estimate(value, self.unseen_bytes if is_nothing else half_width(variance))

    def of_allocations(self, value: float, variance: float) -> Estimate:
        """The estimate of a number of allocations that has this variance."""
        return Estimate(value, max(half_width(variance), self.unseen_allocations))

    def bytes_errors(self, values: Array, variances: Array) -> Array:
        """The errors of `of_bytes`, for many at once."""
        return np.where(np.abs(values) < 0.5, self.unseen_bytes, _half_widths(variances))

    def allocations_errors(self, variances: Array) -> Array:
        """The errors of `of_allocations`, for many at once."""
        return np.maximum(_half_widths(variances), self.unseen_allocations)


def half_width(variance: float) -> float:
    """Half the width of the 95 % interval around a figure with this variance."""
    # Sums of variances that are added and taken away again may end a little below 0.
    return Z * math.sqrt(max(variance, 0.0))


def _half_widths(variances: Array) -> Array:
    return Z * np.sqrt(np.maximum(variances, 0.0))
