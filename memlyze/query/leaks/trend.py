"""The statistical tests, over many sites at once: rows are sites."""

from __future__ import annotations

import math
import typing

import numpy as np

Array = typing.Any  # a numpy array


def sign_flip_p(increments: Array) -> Array:
    """One-sided p-value of each row's sum, were each increment as likely down as up.

    Fisher's randomisation test: keeping the sizes of the increments, how many of the 2ⁿ ways to
    choose their signs would give a sum as great? The sum of n increments of random sign is normal
    enough with the variance of their squares. What came at once counts once, however much it was;
    what goes back to where it was counts as nothing, and a level that fluctuates has increments
    that take each other back, which makes the test cautious, not bold.
    """
    squares = (increments**2).sum(axis=1)
    z = increments.sum(axis=1) / np.sqrt(np.maximum(squares, 1e-300))
    return np.array([0.5 * math.erfc(value / math.sqrt(2)) for value in z])


def holm(p_values: Array) -> Array:
    """p-values corrected for having looked at all of them (Holm 1979): the chance that any one of
    so many sites that do not grow would look like it.
    """
    order = np.argsort(p_values)
    factors = np.arange(len(p_values), 0, -1)
    corrected = np.maximum.accumulate(np.minimum(p_values[order] * factors, 1.0))
    result = np.empty(len(p_values))
    result[order] = corrected
    return result
