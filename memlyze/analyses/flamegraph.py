"""Call trees: what each function allocated, or has live, by itself and by what it called."""

from __future__ import annotations

import typing

import numpy as np

from memlyze.analyses import call_tree
from memlyze.analyses.estimates import Estimate, Sampling
from memlyze.analyses.remembered import remembered
from memlyze.analyses.sampling import sampling_of
from memlyze.analyses.selection import EVERYTHING, Selection, choose
from memlyze.analyses.stack_sums import ALLOCATED, COLUMNS, stack_sums
from memlyze.analyses.stack_sums import Measure as Measure
from memlyze.analyses.statements import run_statement
from memlyze.errors import MemlyzeError
from memlyze.query.origins import RUNTIME
from memlyze.query.session import Trace
from memlyze.query.stack_sites import rows_of

#: What frames can be told apart by, from fine to coarse.
MERGES = ("line", "function", "file", "module")
#: What can stand above the outermost frames as a level of its own.
GROUPS = ("thread", "process", "window")
NODES = 10_000
_UNKNOWN = "<unknown>"


class Frame(typing.NamedTuple):
    """What nodes of a flame graph stand for."""

    function: str
    """Empty where functions are merged by file or module."""
    file: str
    """Empty where functions are merged by module, and for a group."""
    line: int | None
    """None where lines are merged, or there is none."""
    module: str | None
    origin: str
    """Whose code it is, as in the view `frames`; of a group `thread`, `process` or `window`."""


class FlameNode(typing.NamedTuple):
    """A place in the tree."""

    parent: int
    """Place of the caller (in an inverted graph of the callee) in `nodes`; −1: the root."""
    frame: int
    """Place in `frames`; −1: the root."""
    bytes: Estimate
    """Of it and all beneath it."""
    self_bytes: float
    """Of `bytes`, what has no further frame beneath it."""
    allocations: Estimate
    samples: int
    """Recorded rows; of a difference those of both sides."""
    before_bytes: Estimate | None
    """Of a difference, `bytes` at the earlier of the two moments, or in the first of the two
    traces; None: not one.
    """
    before_self_bytes: float
    """Of `before_bytes`, what had no further frame beneath it; 0 where there is none."""


class FlameGraph(typing.NamedTuple):
    """A call tree, depth first: every node stands behind its parent, the greatest child first."""

    frames: tuple[Frame, ...]
    """What nodes stand for."""
    nodes: tuple[FlameNode, ...]
    """The first is the root."""
    is_inverted: bool
    """Whether the innermost functions come first, and their callers beneath them."""
    is_cut: bool
    """Whether nodes were left out for want of room, being the smallest. What they have is in the
    `bytes` of those above them; in an inverted graph it is in their `self_bytes`, too.
    """


def flamegraph(
    trace: Trace,
    *,
    selection: Selection = EVERYTHING,
    measure: Measure = ALLOCATED,
    before: Measure | None = None,
    inverted: bool = False,
    merge: str = "line",
    group: str | None = None,
    nodes: int = NODES,
) -> FlameGraph:
    """The call tree of the chosen allocations, as far as `measure` counts them.

    With `before`, the difference of two moments: each node has both figures, and those that have
    none now are there as well. `merge` says what of a frame matters (`MERGES`), `group` what stands
    above the outermost frames (`GROUPS`), `nodes` how many are shown at most. An inverted graph
    begins with the functions that allocated, and has their callers beneath them.

    Raises MemlyzeError for a `merge` or `group` that there is not, and SelectionError.
    """
    check_choice("merge", merge, MERGES)
    if group is not None:
        check_choice("group", group, GROUPS)
    chosen = choose(trace, selection)
    items = stack_sums(trace, chosen, measure, group)
    if before is not None:
        items = items.beside(stack_sums(trace, chosen, before, group))

    names, stacks = remembered(trace, "stacks", lambda: _stacks(trace, merge), merge)
    rows = rows_of(items.stack_ids, trace.table("stacks")["stack_id"])
    rows = np.where(rows < 0, len(stacks.parents) - 1, rows)  # the last is for those without one
    groups = None if group is None else _groups(trace, names, group, items.group_ids)
    if inverted:
        tree = call_tree.tree_from_leaves(
            stacks, rows, groups, items.values, greatest_side(items.values), count=max(nodes, 1)
        )
    else:
        tree = call_tree.tree_from_root(stacks, rows, groups, items.values)
    return graph_of(tree, names.frames, [sampling_of(trace)] * 2, is_inverted=inverted, count=nodes)


def check_choice(what: str, value: str, known: typing.Sequence[str]) -> None:
    """Raise a MemlyzeError that names the choices unless `value` is one of them."""
    if value not in known:
        raise MemlyzeError(f"there is no {what} {value!r}; take one of {', '.join(known)}")


class _Names:
    """What keys stand for, each once."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self._keys: dict[Frame, int] = {}

    def key(self, frame: Frame) -> int:
        """The number of what a frame stands for."""
        key = self._keys.setdefault(frame, len(self.frames))
        if key == len(self.frames):
            self.frames.append(frame)
        return key


def _stacks(trace: Trace, merge: str) -> tuple[_Names, call_tree.Stacks]:
    """All stacks of the trace, and behind them one for allocations that have none."""
    names = _Names()
    stacks, frames = trace.table("stacks"), trace.table("frames")
    frame_keys = np.fromiter(
        (names.key(_merged(Frame(*values), merge)) for values in _frame_values(frames)),
        dtype=np.int64,
        count=len(frames["frame_id"]),
    )
    unknown = names.key(Frame(_UNKNOWN, _UNKNOWN, None, None, RUNTIME))
    frame_rows = rows_of(stacks["frame_id"], frames["frame_id"])
    keys = np.append(frame_keys, unknown)[frame_rows]  # −1, for a frame that is lost, is the last
    return names, call_tree.Stacks(
        parents=np.append(rows_of(stacks["parent_id"], stacks["stack_id"]), call_tree.NO_NODE),
        depths=np.append(stacks["depth"], 1),
        keys=np.append(keys, unknown),
    )


def _frame_values(
    frames: typing.Mapping[str, typing.Any],
) -> typing.Iterator[tuple[typing.Any, ...]]:
    return zip(*(frames[name].tolist() for name in Frame._fields))


def _merged(frame: Frame, merge: str) -> Frame:
    """The frame without what is not to be told apart."""
    if merge == "line":
        return frame
    if merge == "function":
        return frame._replace(line=None)
    if merge == "file" or frame.module is None:
        return frame._replace(function="", line=None)
    return frame._replace(function="", file="", line=None)


def _groups(trace: Trace, names: _Names, group: str, group_ids: typing.Any) -> typing.Any:
    """The key of the frame that stands for the group of each item."""
    rows = run_statement(trace, "group_labels", {"group": group})
    labels = {row["group_id"]: row["label"] for row in rows}
    ids, place = np.unique(group_ids, return_inverse=True)
    keys = [
        names.key(Frame(labels.get(number, f"{group} {number}"), "", None, None, group))
        for number in ids.tolist()
    ]
    return np.array(keys, dtype=np.int64)[place] if keys else np.empty(0, dtype=np.int64)


def greatest_side(values: typing.Any) -> typing.Any:
    """What nodes are worth showing for: the greater of what each has, and what it had before."""
    return values[:, :: len(COLUMNS)].max(axis=1)


def graph_of(
    tree: call_tree.Tree,
    frames: typing.Sequence[Frame],
    samplings: typing.Sequence[Sampling],
    *,
    is_inverted: bool,
    count: int,
) -> FlameGraph:
    """The greatest `count` nodes of a tree, depth first; its keys are places in `frames`.

    `samplings` are those of the tree's figures, and of those before, where it has both.
    """
    sizes = greatest_side(tree.totals)
    kept = np.flatnonzero(call_tree.greatest(sizes, max(count, 1)))
    children: dict[int, list[int]] = {}
    # The greatest first; among equals in the order of the frames, so that it is always the same.
    for row in kept[np.lexsort((tree.keys[kept], -sizes[kept]))].tolist():
        children.setdefault(int(tree.parents[row]), []).append(row)
    used: dict[int, int] = {}
    nodes: list[FlameNode] = []
    open_rows = [(0, call_tree.NO_NODE)]
    while open_rows:
        row, parent = open_rows.pop()
        key = int(tree.keys[row])
        frame = call_tree.NO_NODE if key < 0 else used.setdefault(key, len(used))
        open_rows += [(child, len(nodes)) for child in reversed(children.get(row, ()))]
        nodes.append(_node(parent, frame, tree.totals[row], tree.own[row], samplings))
    return FlameGraph(
        frames=tuple(frames[key] for key in used),
        nodes=tuple(nodes),
        is_inverted=is_inverted,
        is_cut=len(kept) < len(sizes),
    )


def _node(
    parent: int,
    frame: int,
    totals: typing.Any,
    own: typing.Any,
    samplings: typing.Sequence[Sampling],
) -> FlameNode:
    size, variance, allocations, allocations_variance, samples, *earlier = totals.tolist()
    return FlameNode(
        parent=parent,
        frame=frame,
        bytes=samplings[0].of_bytes(size, variance),
        self_bytes=float(own[0]),
        allocations=samplings[0].of_allocations(allocations, allocations_variance),
        samples=int(samples + (earlier[4] if earlier else 0)),
        before_bytes=samplings[1].of_bytes(earlier[0], earlier[1]) if earlier else None,
        before_self_bytes=float(own[len(COLUMNS)]) if earlier else 0.0,
    )
