"""How much was allocated of which size, and for how long it lived."""

from __future__ import annotations

import typing

import numpy as np

from memlyze.analyses.selection import EVERYTHING, Selection, choose
from memlyze.analyses.statements import run_columns
from memlyze.query.session import Trace

Array = typing.Any  # a two-dimensional numpy array

_STILL_LIVE = -1
_SMALLEST_BYTES = 16
_SHORTEST_NS = 1_000_000
_UNITS = (("h", 3600 * 10**9), ("min", 60 * 10**9), ("s", 10**9), ("ms", 10**6))


class SizeClass(typing.NamedTuple):
    """Sizes from one power of two, not included, to the next."""

    from_bytes: int
    to_bytes: int
    """Not included."""


class LifetimeClass(typing.NamedTuple):
    """Lifetimes from one power of ten to the next; None: no bound. Without both: still live."""

    label: str
    from_ns: int | None
    to_ns: int | None


class LifetimeClasses(typing.NamedTuple):
    """Arrays with a row for each size class and a column for each lifetime class."""

    sizes: tuple[SizeClass, ...]
    lifetimes: tuple[LifetimeClass, ...]
    """The shortest first; the last is what is still live."""
    bytes: Array
    allocations: Array
    samples: Array


def lifetime_classes(trace: Trace, *, selection: Selection = EVERYTHING) -> LifetimeClasses:
    """Class the chosen allocations by size and lifetime. Raises SelectionError."""
    columns = run_columns(trace, "lifetime_classes", choose(trace, selection).parameters)
    sizes, lifetimes = columns["size_class"], columns["lifetime_class"]
    size_count = int(sizes.max(initial=0)) + 1
    lifetime_count = int(lifetimes.max(initial=0)) + 1
    shape = (size_count, lifetime_count + 1)
    cells = sizes * shape[1] + np.where(lifetimes == _STILL_LIVE, lifetime_count, lifetimes)

    def grid(name: str) -> Array:
        sums = np.bincount(cells, weights=columns[name], minlength=shape[0] * shape[1])
        return sums.reshape(shape)

    return LifetimeClasses(
        sizes=tuple(_size_class(number) for number in range(size_count)),
        lifetimes=(
            *(_lifetime_class(number) for number in range(lifetime_count)),
            LifetimeClass("still live", None, None),
        ),
        bytes=grid("bytes"),
        allocations=grid("allocations"),
        samples=grid("samples").astype(np.int64),
    )


def _size_class(number: int) -> SizeClass:
    greatest = _SMALLEST_BYTES << number
    return SizeClass(0 if number == 0 else greatest // 2 + 1, greatest + 1)


def _lifetime_class(number: int) -> LifetimeClass:
    to_ns = _SHORTEST_NS * 10**number
    if number == 0:
        return LifetimeClass(f"under {_spoken(to_ns)}", 0, to_ns)
    from_ns = to_ns // 10
    return LifetimeClass(f"{_spoken(from_ns)} to {_spoken(to_ns)}", from_ns, to_ns)


def _spoken(time_ns: int) -> str:
    for unit, unit_ns in _UNITS:
        if time_ns >= unit_ns and time_ns % unit_ns == 0:
            return f"{time_ns // unit_ns} {unit}"
    return f"{time_ns / 10**9:g} s"
