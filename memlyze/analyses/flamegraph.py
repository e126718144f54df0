"""Call trees: what each function allocated, or has live, by itself and by what it called."""

from __future__ import annotations

import typing

from memlyze.analyses.estimates import Estimate
from memlyze.analyses.flame_columns import GROUPS as GROUPS
from memlyze.analyses.flame_columns import MERGES as MERGES
from memlyze.analyses.flame_columns import NODES as NODES
from memlyze.analyses.flame_columns import FlameColumns, flame_columns
from memlyze.analyses.flame_columns import Frame as Frame
from memlyze.analyses.selection import EVERYTHING, Selection
from memlyze.analyses.stack_sums import ALLOCATED
from memlyze.analyses.stack_sums import Measure as Measure
from memlyze.query.session import Trace


class FlameNode(typing.NamedTuple):
    """A place in the tree."""

    parent: int
    """Place of the caller (in an inverted graph of the callee) in `nodes`; −1: the root."""
    frame: int
    """Place in `frames`; −1: the root."""
    bytes: Estimate
    """Of it and all beneath it."""
    self_bytes: Estimate
    """Of `bytes`, what has no further frame beneath it."""
    allocations: Estimate
    samples: int
    """Recorded rows; of a difference those of both sides."""
    before_bytes: Estimate | None
    """Of a difference, `bytes` at the earlier of the two moments, or in the first of the two
    traces; None: not one.
    """
    before_self_bytes: Estimate | None
    """Of `before_bytes`, what had no further frame beneath it."""


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
    return graph_of(
        flame_columns(
            trace,
            selection=selection,
            measure=measure,
            before=before,
            inverted=inverted,
            merge=merge,
            group=group,
            nodes=nodes,
        )
    )


def graph_of(columns: FlameColumns) -> FlameGraph:
    """The same, node by node."""
    count = len(columns.parent)
    before: typing.Iterable[Estimate | None] = [None] * count
    before_self: typing.Iterable[Estimate | None] = [None] * count
    if columns.before is not None:
        before = _estimates(columns.before.bytes, columns.before.bytes_error)
        before_self = _estimates(columns.before.self_bytes, columns.before.self_bytes_error)
    return FlameGraph(
        frames=columns.frames,
        nodes=tuple(
            map(
                FlameNode,
                columns.parent.tolist(),
                columns.frame.tolist(),
                _estimates(columns.bytes, columns.bytes_error),
                _estimates(columns.self_bytes, columns.self_bytes_error),
                _estimates(columns.allocations, columns.allocations_error),
                columns.samples.tolist(),
                before,
                before_self,
            )
        ),
        is_inverted=columns.is_inverted,
        is_cut=columns.is_cut,
    )


def _estimates(values: typing.Any, errors: typing.Any) -> typing.Iterable[Estimate]:
    return map(Estimate, values.tolist(), errors.tolist())
