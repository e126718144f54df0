"""Which frames of a call tree are one row until somebody asks: the servers and frameworks through
which every request of an application comes, and Python's own through which a module is imported.
"""

from __future__ import annotations

import typing

import numpy as np

from memlyze.analyses.call_tree import NO_NODE
from memlyze.analyses.flame_columns import Frame
from memlyze.query.origins import LIBRARY, RUNTIME, STANDARD_LIBRARY

_OUTSIDE = (LIBRARY, STANDARD_LIBRARY, RUNTIME)
#: How the files of the import machinery begin.
_FROZEN = "<frozen "
#: Fewer frames are no burden.
_LEAST_FRAMES = 4
#: What goes on to the next frame; what does not stands beside it, beneath the row.
_LEAST_SHARE = 0.8
#: Of all, what can be seen: a second way into the program that has less does not part the first.
_LEAST_SEEN = 0.01
_NAMES = 8

Array = typing.Any  # a one-dimensional numpy array


class Folds(typing.NamedTuple):
    """How a call tree is folded."""

    start: Array
    """Of each node, that at which the row begins that it is folded into; −1: it is not."""
    labels: dict[int, str]
    """What each row is called, by the node at which it begins: `14 frames of uvicorn, asyncio`."""

    @classmethod
    def none(cls, count: int) -> Folds:
        """Of a tree of so many nodes that is not folded."""
        return cls(np.full(count, NO_NODE), {})


def folds(
    frames: typing.Sequence[Frame],
    parent: Array,
    frame: Array,
    size: Array,
    *,
    is_inverted: bool = False,
) -> Folds:
    """Fold a call tree, whose columns are those of `FlameColumns`. An inverted one, which does not
    begin with the outermost frames, is not folded.

    Folded are four frames and more in a row that are not the program's, each of which has four
    fifths of the `size` of the one above it, and which lead to code of the program. A row ends
    where two ways lead there: the second would stand beneath frames that are not its callers.

    Those of the import machinery are a row whatever module they lead to: a library that is imported
    imports others in turn.
    """
    count = len(parent)
    if is_inverted:
        return Folds.none(count)
    # In both −1, the root, is the last.
    outside = np.array([found.origin in _OUTSIDE for found in frames] + [False])[frame]
    frozen = [(found.file or "").startswith(_FROZEN) for found in frames]
    imports = np.array([*frozen, False])[frame]
    leads = _leads_to(parent, ~outside)
    is_way = (leads | ~outside) & (size >= _LEAST_SEEN * size[0])
    ways = np.bincount(parent[1:][is_way[1:]], minlength=count)
    goes_on = np.zeros(count, dtype=bool)  # the greatest child stands right behind its parent
    goes_on[1:] = (
        (parent[1:] == np.arange(count - 1))
        & (ways[:-1] <= is_way[1:])  # it is the only one, if there is one
        & outside[:-1]
        & outside[1:]
        & (size[1:] >= _LEAST_SHARE * size[:-1])
    )
    start: Array = _rows(goes_on, leads)
    goes_on[1:] &= imports[1:] & imports[:-1]
    start = np.where(start < 0, _rows(goes_on, _leads_to(parent, ~imports)), start)
    firsts, lengths = np.unique(start[start >= 0], return_counts=True)
    labels = {
        first: _label([frames[place] for place in frame[first : first + length].tolist()])
        for first, length in zip(firsts.tolist(), lengths.tolist())
    }
    return Folds(start, labels)


def _rows(goes_on: Array, leads: Array) -> Array:
    """Of each node, that at which its row begins, where there are enough in it and the last one
    leads to what is looked for. `goes_on`: it is in the row of the node before it.
    """
    starts: Array = np.flatnonzero(~goes_on)
    lengths = np.diff(np.append(starts, len(goes_on)))
    is_row = (lengths >= _LEAST_FRAMES) & leads[starts + lengths - 1]
    return np.repeat(np.where(is_row, starts, NO_NODE), lengths)


def _leads_to(parent: Array, is_wanted: Array) -> Array:
    """Whether one that is wanted is somewhere beneath each node."""
    leads = np.zeros(len(parent), dtype=bool)
    above = parent[is_wanted]
    while len(above):
        above = np.unique(above[above >= 0])
        above = above[~leads[above]]
        leads[above] = True
        above = parent[above]
    return leads


def _label(frames: typing.Sequence[Frame]) -> str:
    modules = ((frame.module or "").partition(".")[0] for frame in frames)
    packages = list(dict.fromkeys(filter(None, modules)))
    names = ", ".join(packages[:_NAMES]) + (", …" if len(packages) > _NAMES else "")
    return f"{len(frames)} frames{' of ' if names else ''}{names}"
