"""Call trees as columns: what each function allocated or has live, with what it called.

They are what a person waits for with every movement of a brush: nothing is made for single nodes.
"""

from __future__ import annotations

import typing

import numpy as np

from memlyze.analyses import call_tree
from memlyze.analyses.estimates import Estimate, Sampling
from memlyze.analyses.group_labels import group_labels
from memlyze.analyses.remembered import remembered
from memlyze.analyses.sampling import sampling_of
from memlyze.analyses.selection import EVERYTHING, Selection, choose
from memlyze.analyses.stack_sums import ALLOCATED, COLUMNS, Measure, stack_sums
from memlyze.errors import MemlyzeError
from memlyze.query.origins import RUNTIME
from memlyze.query.session import Trace
from memlyze.query.stack_sites import rows_of

#: What frames can be told apart by, from fine to coarse.
MERGES = ("line", "function", "file", "module")
#: What can stand above the outermost frames as a level of its own.
GROUPS = ("thread", "process", "window")
NODES = 10_000
Array = typing.Any  # a one-dimensional numpy array
_UNKNOWN = "<unknown>"
_SAMPLES = COLUMNS.index("samples")


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


class BeforeColumns(typing.NamedTuple):
    """What the nodes of a difference had before."""

    bytes: Array
    bytes_error: Array
    self_bytes: Array
    self_bytes_error: Array


class FlameColumns(typing.NamedTuple):
    """A call tree, depth first: every node stands behind its parent, the greatest child first. What
    `FlameNode` says of one node is here an array over all of them.
    """

    frames: tuple[Frame, ...]
    """What nodes stand for."""
    parent: Array
    """Place of the parent among the nodes; −1: the root, which is the first."""
    frame: Array
    """Place in `frames`; −1: the root."""
    bytes: Array
    bytes_error: Array
    self_bytes: Array
    self_bytes_error: Array
    allocations: Array
    allocations_error: Array
    samples: Array
    before: BeforeColumns | None
    """Of a difference, what was there at the earlier of the two moments, or in the first of the two
    traces; None: not one.
    """
    is_inverted: bool
    """Whether the innermost functions come first."""
    is_cut: bool
    """Whether nodes were left out for want of room."""

    @property
    def total(self) -> Estimate:
        """The bytes of the root."""
        return Estimate(float(self.bytes[0]), float(self.bytes_error[0]))

    @property
    def before_total(self) -> Estimate | None:
        """Of a difference, the bytes that the root had before; None: not one."""
        if self.before is None:
            return None
        return Estimate(float(self.before.bytes[0]), float(self.before.bytes_error[0]))


def flame_columns(
    trace: Trace,
    *,
    selection: Selection = EVERYTHING,
    measure: Measure = ALLOCATED,
    before: Measure | None = None,
    inverted: bool = False,
    merge: str = "line",
    group: str | None = None,
    nodes: int = NODES,
) -> FlameColumns:
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

    names, stacks = remembered(trace, "stacks", lambda: _stacks(trace, merge), merge, of="stacks")
    rows = rows_of(items.stack_ids, trace.table("stacks")["stack_id"])
    rows = np.where(rows < 0, len(stacks.parents) - 1, rows)  # the last is for those without one
    groups = None if group is None else _groups(trace, names, group, items.group_ids)
    if inverted:
        sizes = greatest_side(items.values)
        shape, places = call_tree.shape_from_leaves(
            stacks, rows, groups, sizes, count=max(nodes, 1)
        )
    elif groups is not None:
        shape, places = call_tree.shape_from_root(stacks, rows, groups)
    else:  # however they are chosen, it is a part of the tree of all stacks
        shape, of_stacks = remembered(
            trace, "call tree", lambda: _whole_tree(stacks), merge, of="stacks"
        )
        places = of_stacks[rows]
    own = call_tree.own_values(shape, places, items.values)
    return columns_of(
        shape,
        own,
        names.frames,
        [sampling_of(trace)] * 2,
        is_inverted=inverted,
        count=max(nodes, 1),
    )


def _whole_tree(stacks: call_tree.Stacks) -> tuple[call_tree.Shape, Array]:
    return call_tree.shape_from_root(stacks, np.arange(len(stacks.parents)), None)


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
    ids, place = np.unique(group_ids, return_inverse=True)
    keys = [
        names.key(Frame(label, "", None, None, group))
        for label in group_labels(trace, group, ids.tolist())
    ]
    return np.array(keys, dtype=np.int64)[place] if keys else np.empty(0, dtype=np.int64)


def greatest_side(values: typing.Any) -> typing.Any:
    """What nodes are worth showing for: the greater of what each has, and what it had before."""
    return values[:, :: len(COLUMNS)].max(axis=1)


def columns_of(
    shape: call_tree.Shape,
    own: Array,
    frames: typing.Sequence[Frame],
    samplings: typing.Sequence[Sampling],
    *,
    is_inverted: bool,
    count: int,
) -> FlameColumns:
    """The greatest `count` nodes of a tree, depth first; its keys are places in `frames`, and `own`
    has a row for each node, of `COLUMNS` or of twice as many.

    `samplings` are those of the tree's figures, and of those before, where it has both.
    """
    totals = call_tree.totals(shape, own)
    has_any = totals[:, _SAMPLES :: len(COLUMNS)].any(axis=1)
    has_any[0] = True
    there = np.flatnonzero(has_any)
    kept = there[call_tree.greatest(greatest_side(totals[there]), count)]
    shape = call_tree.part(shape, kept)
    places = call_tree.depth_first(shape, greatest_side(totals[kept]))
    order = np.argsort(places)
    parents = shape.parents[order]
    parents[1:] = places[parents[1:]]
    keys, first, number = np.unique(shape.keys[order][1:], return_index=True, return_inverse=True)
    by_appearance = np.argsort(first)
    frame = np.append(call_tree.NO_NODE, np.argsort(by_appearance)[number.reshape(-1)])
    totals, own = totals[kept[order]].T, own[kept[order]].T
    size, variance, allocations, allocations_variance = totals[:_SAMPLES]
    sampling, before = samplings[0], None
    if len(totals) > len(COLUMNS):
        size_before, variance_before = totals[len(COLUMNS) :][:2]
        own_before, own_variance_before = own[len(COLUMNS) :][:2]
        before = BeforeColumns(
            bytes=size_before,
            bytes_error=samplings[1].bytes_errors(size_before, variance_before),
            self_bytes=own_before,
            self_bytes_error=samplings[1].bytes_errors(own_before, own_variance_before),
        )
    return FlameColumns(
        frames=tuple(frames[key] for key in keys[by_appearance].tolist()),
        parent=parents,
        frame=frame,
        bytes=size,
        bytes_error=sampling.bytes_errors(size, variance),
        self_bytes=own[0],
        self_bytes_error=sampling.bytes_errors(own[0], own[1]),
        allocations=allocations,
        allocations_error=sampling.allocations_errors(allocations_variance),
        samples=totals[_SAMPLES :: len(COLUMNS)].sum(axis=0).astype(np.int64),
        before=before,
        is_inverted=is_inverted,
        is_cut=len(kept) < len(there),
    )
