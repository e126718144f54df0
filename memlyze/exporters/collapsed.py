"""Collapsed stacks, the input of flamegraph.pl and inferno: a line for each stack, its frames from
the outermost on, and a figure.

    <module> (app.py:9);load (app.py:4) 65536
"""

from __future__ import annotations

import typing

import numpy as np

from memlyze.exporters.request import Request
from memlyze.exporters.stack_walk import Frame, StackWalk
from memlyze.query.session import Trace

BYTES = "bytes"
ALLOCATIONS = "allocations"
UNITS = (BYTES, ALLOCATIONS)


def write_collapsed(
    trace: Trace, request: Request, file: typing.BinaryIO, *, unit: str = BYTES
) -> int:
    """Write the stacks with their bytes or numbers of allocations, rounded; return how many."""
    totals = request.totals(trace)
    figures = totals.figures(request.what)[UNITS.index(unit)]
    summed = sum_by_stack(totals.stack_id, figures)
    walk = StackWalk(trace, totals.stack_id)
    labels = [_label(frame) for frame in walk.frames]

    def extend(outer: str, frame: int) -> str:
        return f"{outer};{labels[frame]}" if outer else labels[frame]

    written = 0
    for stack_id, line in walk.walk("", extend):
        figure = summed.get(stack_id, 0)
        if figure:
            file.write(f"{line} {figure}\n".encode("utf-8", "backslashreplace"))
            written += 1
    return written


def sum_by_stack(stack_ids: typing.Any, figures: typing.Any) -> dict[int, int]:
    """The sum of the figures of each stack, rounded; without those that come to nothing."""
    unique, places = np.unique(stack_ids, return_inverse=True)
    sums = np.rint(np.bincount(places, weights=figures, minlength=len(unique))).astype(np.int64)
    return {number: figure for number, figure in zip(unique.tolist(), sums.tolist()) if figure}


def _label(frame: Frame) -> str:
    """`function (file:line)`, without what the format gives a meaning to."""
    text = f"{frame.function} ({frame.file}:{frame.line})" if frame.file else frame.function
    text = text.replace(";", ":")
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)
