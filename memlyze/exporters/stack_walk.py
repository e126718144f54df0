"""The call stacks of a trace as a tree that is walked once, each stack made from its caller's."""

from __future__ import annotations

import typing

import numpy as np

from memlyze.query.session import Trace

Array = typing.Any  # a one-dimensional numpy array
Folded = typing.TypeVar("Folded")

#: What stands for the stack of an allocation whose stack is not known.
UNKNOWN = "<unknown>"


class Frame(typing.NamedTuple):
    """One source position."""

    function: str
    file: str
    line: int
    """From 1; 0: unknown."""


def frames_of(trace: Trace) -> tuple[list[Frame], dict[int, int]]:
    """All frames of the trace, and where the frame of each `frame_id` is among them.

    The first is that of stacks that are not known.
    """
    table = trace.table("frames")
    frames = [Frame(UNKNOWN, "", 0)]
    frames += map(Frame, table["function"], table["file"], table["line"].tolist())
    return frames, {number: row + 1 for row, number in enumerate(table["frame_id"].tolist())}


class StackWalk:
    """The stacks that are wanted and those of their callers. Frames are numbered by the place that
    `frames_of` gives them.
    """

    def __init__(self, trace: Trace, stack_ids: Array) -> None:
        self.frames, places = frames_of(trace)
        table = trace.table("stacks")
        ids, parent_ids = table["stack_id"], table["parent_id"]
        kept = _with_callers(np.unique(stack_ids), ids, parent_ids)
        self._has_unknown = bool(np.any(stack_ids == 0))
        self._children: dict[int, list[tuple[int, int]]] = {}
        for stack_id, parent_id, frame_id in zip(
            ids[kept].tolist(), parent_ids[kept].tolist(), table["frame_id"][kept].tolist()
        ):
            self._children.setdefault(parent_id, []).append((stack_id, places.get(frame_id, 0)))

    def walk(
        self, root: Folded, extend: typing.Callable[[Folded, int], Folded]
    ) -> typing.Iterator[tuple[int, Folded]]:
        """Each stack's id and what `extend` makes of its caller's and of its own innermost frame;
        beneath the outermost is `root`. What belongs together comes together.
        """
        if self._has_unknown:
            yield 0, extend(root, 0)
        pending = [(root, child) for child in reversed(self._children.get(0, ()))]
        while pending:
            outer, (stack_id, frame) = pending.pop()
            folded = extend(outer, frame)
            yield stack_id, folded
            pending += [(folded, child) for child in reversed(self._children.get(stack_id, ()))]


def _with_callers(wanted: Array, ids: Array, parent_ids: Array) -> Array:
    """The rows of the wanted stacks and of all their callers, in the order of the table."""
    order = np.argsort(ids, kind="stable")
    kept = np.zeros(len(ids), dtype=bool)
    wanted = wanted[wanted != 0]
    while len(wanted) and len(ids):
        places = np.minimum(np.searchsorted(ids, wanted, sorter=order), len(ids) - 1)
        rows = order[places]
        rows = rows[(ids[rows] == wanted) & ~kept[rows]]
        kept[rows] = True
        wanted = np.unique(parent_ids[rows])
        wanted = wanted[wanted != 0]
    return np.flatnonzero(kept)
