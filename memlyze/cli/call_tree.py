"""A call tree as text: straight chains stay in one column, so that deep stacks are readable."""

from __future__ import annotations

import typing

import numpy as np

from memlyze.analyses.call_tree import NO_NODE
from memlyze.analyses.estimates import Estimate
from memlyze.analyses.flame_folds import Folds, folds
from memlyze.analyses.flamegraph import FlameGraph, FlameNode, Frame
from memlyze.cli.terminal import Aligned, Style
from memlyze.query.origins import RUNTIME
from memlyze.wording.figures import figure_cells, share_cell, share_look
from memlyze.wording.names import short_name
from memlyze.wording.places import short_place
from memlyze.wording.units import format_bytes

# A child that has nearly all of its parent goes on in the same column.
_STRAIGHT = 0.95


class _Branch(typing.NamedTuple):
    """A node that is shown, and the lines that lead to it."""

    node: int
    before: str
    """What stands left of it."""
    beneath: str
    """What stands left of the nodes beneath it."""


def tree_lines(
    graph: FlameGraph,
    least_share: float,
    style: Style,
    *,
    all_frames: bool = False,
    unfold: bool = False,
) -> list[str]:
    """The nodes that have (or have changed by) at least `least_share` of the total, a line each.

    Frames that no person wrote, such as those of the import system, are left out where just one
    branch goes on from them, unless `all_frames`. Those of libraries that lead to the program are a
    row together, unless `all_frames` or `unfold`.
    """
    total = _weight(graph.nodes[0])
    fold = Folds.none(len(graph.nodes)) if unfold or all_frames else _folds(graph)
    children = _children(graph, least_share * total, fold)
    is_written = _is_written(graph, fold)
    is_difference = graph.nodes[0].before_bytes is not None
    table = Aligned(right=(True, True, True, False))
    heading = "change" if is_difference else "share"
    table.add(heading, "bytes", "", "", looks=["bold"] * 4)
    open_branches = [_Branch(0, "", "")]
    while open_branches:
        branch = open_branches.pop()
        beneath = children.get(branch.node, [])
        node = graph.nodes[branch.node]
        if branch.node not in is_written and len(beneath) == 1 and not all_frames:
            open_branches.append(branch._replace(node=beneath[0]))
            continue
        _add(table, graph, branch, total, fold.labels.get(branch.node))
        is_straight = branch.node == 0 or (
            len(beneath) == 1 and _weight(graph.nodes[beneath[0]]) >= _STRAIGHT * _weight(node)
        )
        for number, place in enumerate(reversed(beneath)):
            if is_straight:
                lines = (branch.beneath, branch.beneath)
            elif number == 0:
                lines = (branch.beneath + "└─ ", branch.beneath + "   ")
            else:
                lines = (branch.beneath + "├─ ", branch.beneath + "│  ")
            open_branches.append(_Branch(place, *lines))
    return table.lines(style=style)


def _folds(graph: FlameGraph) -> Folds:
    """Which nodes are a row together."""
    parent, frame, size = zip(
        *(
            (
                node.parent,
                node.frame,
                node.bytes.value + (node.before_bytes or Estimate(0, 0)).value,
            )
            for node in graph.nodes
        )
    )
    columns = (np.array(column) for column in (parent, frame, size))
    return folds(graph.frames, *columns, is_inverted=graph.is_inverted)


def _is_written(graph: FlameGraph, fold: Folds) -> set[int]:
    """The nodes of which some frame is a person's work, by the first of their row."""
    return {
        place if start < 0 else start
        for place, (node, start) in enumerate(zip(graph.nodes, fold.start.tolist()))
        if node.frame < 0 or graph.frames[node.frame].origin != RUNTIME
    }


def _children(graph: FlameGraph, least: float, fold: Folds) -> dict[int, list[int]]:
    """The nodes that are shown, by what they stand beneath: the parent, or the row it is in."""
    is_difference = graph.nodes[0].before_bytes is not None
    kept: set[int] = set()
    for place, node in enumerate(graph.nodes):
        size = abs(_change(node)) if is_difference else node.bytes.value
        if size < least or not size:
            continue
        while place >= 0 and place not in kept:  # what changes may be beneath what does not
            kept.add(place)
            place = graph.nodes[place].parent
    start: list[int] = fold.start.tolist()
    children: dict[int, list[int]] = {}
    for place in sorted(kept - {0}):
        if start[place] in (place, NO_NODE):
            above = graph.nodes[place].parent
            children.setdefault(above if start[above] < 0 else start[above], []).append(place)
    return children


def _weight(node: FlameNode) -> float:
    """What a node is shown for: the greater of what it has, and what it had."""
    return max(node.bytes.value, node.before_bytes.value if node.before_bytes else 0.0)


def _change(node: FlameNode) -> float:
    """How much more a node has than it had before."""
    return node.bytes.value - (node.before_bytes.value if node.before_bytes else 0.0)


def _add(
    table: Aligned, graph: FlameGraph, branch: _Branch, total: float, label: str | None
) -> None:
    node = graph.nodes[branch.node]
    frame = None if node.frame < 0 else graph.frames[node.frame]
    size, error = figure_cells(node.bytes)
    look = share_look(_weight(node), total)
    if node.before_bytes is None:
        share = share_cell(node.bytes.value, total)
    else:
        share, look = _change_cell(_change(node))
    name = _name(frame) if label is None else f"▸ {label}"
    table.add(share, size, error, branch.before + name, looks=[look, look, "dim", ""])


def _change_cell(change: float) -> tuple[str, str]:
    """A change in words, and how it looks."""
    if not round(change):
        return "=", ""
    if change > 0:
        return "+" + format_bytes(change), "red"
    return "−" + format_bytes(-change), "green"


def _name(frame: Frame | None) -> str:
    if frame is None:
        return "all"
    if not frame.file:  # a thread, a window, a module
        return short_name(frame.function or frame.module or "")
    if not frame.function or frame.file == frame.function:
        return short_place(frame.function, frame.file, frame.line)
    # What a person looks for first is the function.
    place = short_place("", frame.file, frame.line)
    return f"{short_name(frame.function)}  {place}"
