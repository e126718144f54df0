"""Passes over columns of many rows, on two processors at once."""

from __future__ import annotations

import typing

Result = typing.TypeVar("Result")

#: Fewer rows are passed over before a thread has been started.
_MANY_ROWS = 1 << 21


def in_halves(work: typing.Callable[[slice], Result], count: int, *, unit: int = 1) -> list[Result]:
    """What `work` returns for all of so many rows; of many, for each half, in order.

    The first half is a multiple of `unit`. It pays where `work` lets go of the GIL.
    """
    if count < _MANY_ROWS:
        return [work(slice(0, count))]
    from concurrent import futures

    half = count // 2 // unit * unit
    with futures.ThreadPoolExecutor(1) as beside:
        second = beside.submit(work, slice(half, count))
        return [work(slice(0, half)), second.result()]
