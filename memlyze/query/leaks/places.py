"""Frames that are at the same place, be it a line, a function or a file."""

from __future__ import annotations

import typing

import numpy as np

from memlyze.query.leaks.clock import Array
from memlyze.query.leaks.curves import Columns


def number_places(frames: Columns, names: typing.Sequence[str]) -> Array:
    """A number for each row of `frames` that differs in these columns; the last entry is that of
    stacks of which no frame is known: −1.
    """
    numbers: dict[typing.Any, int] = {}
    keys = zip(*(frames[name] for name in names))
    found = [numbers.setdefault(key, len(numbers)) for key in keys]
    found.append(len(numbers))  # not in one display: CPython 3.8 would take the length first
    return np.array(found)
