"""Who holds what was not freed: the objects of the last checkpoint, and the chains that lead to
them.
"""

from __future__ import annotations

import collections
import typing

import numpy as np

from memlyze.analyses.bounded_caches import fills_bounded_cache
from memlyze.analyses.chains import Speller, Way
from memlyze.analyses.containers import (
    MOST_LOOKED_AT,
    NEARLY_ALL,
    Container,
    ContainerFinder,
    are_below,
    nearest_above,
)
from memlyze.query.session import Trace

Array = typing.Any  # a one-dimensional numpy array

_MOST_CHAINS = 3
_MOST_TYPES = 5
_FEW = 5
_HALF = 0.5
_AT_END = ("exit", "_exit")
_MOST_STEPS = 10_000


class HeldType(typing.NamedTuple):
    """The objects of one type among those that were asked for."""

    type: str
    objects: int
    bytes: int
    """Their own."""


class Chain(typing.NamedTuple):
    """How objects are held."""

    text: str
    """The shortest one of its kind, spelled out from the root on."""
    root: str
    """What it begins with: `module`, `local` (a variable of a running function), `globals` (its
    namespace), `thread`, `unseen` (held from C) or `nobody` (a cycle that waits for the collector).
    """
    share: float
    """Of the objects that were looked at, those that are held so, whatever the key or index."""


class Holder(typing.NamedTuple):
    """One object with which nearly all, or most, of what was asked for would be freed."""

    text: str
    type: str
    retained_bytes: int
    """All that would be freed with it, whether it was asked for or not."""
    share: float
    """Of the objects that were looked at, those that would."""
    is_bounded: bool
    """Whether it is a cache with a maximum size, and the objects are what it is filled with."""
    object_id: int | None = None
    """As in the view `objects`."""

    @property
    def has_nearly_all(self) -> bool:
        """Or else but most."""
        return self.share >= NEARLY_ALL


class Holders(typing.NamedTuple):
    """Who holds the objects of a site."""

    time_ns: int
    """Of the checkpoint."""
    objects: int = 0
    """Recorded objects of the site that were there."""
    blocks_without_object: int = 0
    """Recorded blocks of the site that belong to no object that was found: C code has them."""
    bytes: int = 0
    """Of these objects, their own; unweighted."""
    retained_bytes: int = 0
    """Bytes that would be freed with all of these objects."""
    types: tuple[HeldType, ...] = ()
    """The greatest first."""
    shortest: Chain | None = None
    """None: no object of the site was found."""
    chains: tuple[Chain, ...] = ()
    """The most common first."""
    holder: Holder | None = None
    """None: there is no such object."""
    garbage_share: float = 0.0
    """Of the objects that were looked at, those that nobody holds: they wait for the collector."""
    shared_share: float = 0.0
    """Of the objects that were looked at, those to which several ways lead that have no object in
    common, modules aside: whoever lets go of one has freed nothing.
    """
    container_id: int | None = None
    """The object, as in the view `objects`, that has grown by these, entry by entry, or that is all
    of them; None: there is none, or there are several, or it is rather what it holds that grew.
    """
    object_ids: tuple[int, ...] = ()
    """Where there are but a few, all of these objects, as in the view `objects`."""
    containers: tuple[Container, ...] = ()
    """Where several have grown by them, and all of these have to let go: each. One that stands for
    several alike, each of which has a part, may be alone.
    """
    are_all_containers: bool = False
    """Whether nearly all that is in the first of `containers` would be freed if all let go."""
    freed_with_containers: int = 0
    """Bytes that would be freed then, whether they were asked for or not; 0: it is not so."""


class LiveBlocks(typing.NamedTuple):
    """Recorded blocks that were live at a checkpoint."""

    allocation_id: Array
    """In order."""
    weight: Array
    """How many allocations each stands for."""
    size: Array
    allocator: Array
    """As the format numbers them."""


class _LiveRows(typing.NamedTuple):
    """Rows of `allocations`, in the order of their call stacks."""

    rows: Array
    stack_id: Array

    def of_stacks(self, stack_ids: typing.Collection[int]) -> Array:
        """The rows of these call stacks."""
        wanted = np.fromiter(stack_ids, self.stack_id.dtype)
        first = self.stack_id.searchsorted(wanted, side="left")
        return self.rows[_ranges(first, self.stack_id.searchsorted(wanted, side="right") - first)]


class _Found(typing.NamedTuple):
    """The objects of some call stacks: rows of the heap graph's objects."""

    rows: Array
    without_object: int
    """Blocks that belong to none."""
    looked_at: Array
    """Those of `rows` that stand for all."""
    holder_row: int | None
    """The object that holds nearly all or most of these; None: there is none."""
    share: float
    """Of `looked_at`, those that it holds."""


class References:
    """The heap of a trace at the last checkpoint of each process, or the last until a moment."""

    def __init__(self, trace: Trace, *, until_ns: int | None = None) -> None:
        self._trace = trace
        self._earlier: dict[int, References] = {}
        self._container_finder = ContainerFinder(trace)
        checkpoints = trace.table("checkpoints")
        processes = checkpoints.get("process_id")
        self._times: dict[int, int] = {}
        last: dict[int, int] = {}
        lost = trace.heap_graph.lost_checkpoints
        torn = set(_processes_with_lost_rows(trace) if lost.has_lost_rows else ())
        for row, number in enumerate(checkpoints["checkpoint_id"].tolist()):
            process = int(processes[row]) if processes is not None else trace.process_ids[0]
            time_ns = int(checkpoints["time_ns"][row])
            if number in lost.checkpoint_ids:
                torn.add(process)
            elif number >= last.get(process, 0) and (until_ns is None or time_ns <= until_ns):
                last[process] = number
                self._times[process] = time_ns
        self._last = last
        self._is_torn = torn
        """Processes with a checkpoint that is left out, since a part of it is lost."""
        # By process: what was live; the objects that have a recorded block, and these.
        self._live: dict[int, _LiveRows] = {}
        self._of_objects: dict[int, tuple[Array, Array]] = {}
        # By process and call stacks.
        self._blocks: dict[tuple[int, frozenset[int]], LiveBlocks] = {}
        self._found: dict[tuple[int, frozenset[int]], _Found] = {}

    @property
    def _tree(self) -> typing.Mapping[str, Array]:
        """How the objects are held."""
        return self._trace.heap_graph.tree()

    @property
    def _speller(self) -> Speller:
        return self._container_finder.speller

    def __bool__(self) -> bool:
        """Whether any process has a checkpoint."""
        return bool(self._last)

    def has(self, process_id: int) -> bool:
        """Whether the process has a checkpoint."""
        return process_id in self._last

    def is_torn(self, process_id: int) -> bool:
        """Whether the heap of the process was recorded, and damage left no checkpoint whole."""
        return process_id in self._is_torn and not self.has(process_id)

    def when_fullest(self, process_id: int, stack_ids: typing.Collection[int]) -> References:
        """The heap at that checkpoint of the process at which most of what these call stacks
        allocated was live; of several the last.
        """
        times, _ = self._checkpoints_of(process_id)
        at = {time_ns: self._until(time_ns) for time_ns in sorted(times.tolist())}
        at = {time_ns: heap for time_ns, heap in at.items() if heap.has(process_id)}
        if len(at) < 2:
            return self

        return at[
            max(at, key=lambda moment: (at[moment].live_bytes(process_id, stack_ids), moment))
        ]

    def while_running(self, process_id: int, stack_ids: typing.Collection[int]) -> References:
        """The heap at the last checkpoint that was asked for before the end of the process, where
        that one saw half or more of what the one at the end sees: at the end a program has let go
        of much, as `asyncio.run` has of tasks, timers and the loop.
        """
        times, reasons = self._checkpoints_of(process_id)
        are_ends = np.isin(reasons, _AT_END)
        end_ns = self.time_ns(process_id)
        if end_ns is None or not are_ends[times == end_ns].any():
            return self
        earlier = [self._until(time_ns) for time_ns in times[~are_ends].tolist()[-1:]]
        if not earlier or not earlier[0].has(process_id):
            return self
        seen, at_end = (heap.live_bytes(process_id, stack_ids) for heap in (earlier[0], self))
        return earlier[0] if seen >= _HALF * at_end else self

    def _checkpoints_of(self, process_id: int) -> tuple[Array, Array]:
        """When the checkpoints of the process were taken, and why."""
        checkpoints = self._trace.table("checkpoints")
        times, reasons = checkpoints["time_ns"], checkpoints["reason"]
        if "process_id" not in checkpoints:
            return times, reasons
        is_own = checkpoints["process_id"] == process_id
        return times[is_own], reasons[is_own]

    def live_bytes(self, process_id: int, stack_ids: typing.Collection[int]) -> float:
        """Of what these call stacks allocated, how much was live at the checkpoint; an estimate."""
        blocks = self.live_blocks(process_id, stack_ids)
        return float((blocks.size * blocks.weight).sum())

    def _until(self, moment_ns: int) -> References:
        """The heap at the last checkpoint of each process until this moment."""
        if all(time_ns <= moment_ns for time_ns in self._times.values()):
            return self
        if moment_ns not in self._earlier:
            self._earlier[moment_ns] = References(self._trace, until_ns=moment_ns)
        return self._earlier[moment_ns]

    def time_ns(self, process_id: int) -> int | None:
        """When the checkpoint of the process was taken; None: it has none."""
        return self._times.get(process_id)

    def holders(self, process_id: int, stack_ids: typing.Collection[int]) -> Holders | None:
        """Who holds what these call stacks allocated and was live at the last checkpoint.

        None where the process has none, or nothing of theirs was live.
        """
        found = self._find(process_id, stack_ids)
        return None if found is None else self._describe(process_id, found)

    def _find(self, process_id: int, stack_ids: typing.Collection[int]) -> _Found | None:
        """The objects that these call stacks made, and what holds them: found once. None where
        nothing of theirs was live.
        """
        key = process_id, frozenset(stack_ids)
        if key not in self._found:
            blocks = self.live_blocks(process_id, stack_ids).allocation_id
            if not len(blocks):
                return None
            rows, without_object = self._rows_of_blocks(process_id, blocks)
            looked_at = _evenly(rows)
            holder_row, share = self._holder_row(looked_at) if len(rows) else (None, 0.0)
            self._found[key] = _Found(rows, without_object, looked_at, holder_row, share)
        return self._found[key]

    def beside(self, process_id: int, stack_ids: typing.Collection[int]) -> Array:
        """What other call stacks allocated that hangs on the same holder as what these did, and is
        of the same types: rows of `allocations`.

        None where no one object holds nearly all of what these allocated.
        """
        found = self._find(process_id, stack_ids)
        if found is None or found.holder_row is None or found.share < NEARLY_ALL:
            return np.empty(0, np.int64)
        types = self._trace.heap_graph.objects()["type_id"]
        dominators = self._tree["dominator_row"]
        candidates, blocks = self._blocks_of_objects(process_id)
        alike = np.flatnonzero(np.isin(types[candidates], types[found.rows]))
        hanging = blocks[alike[are_below(dominators, [found.holder_row], candidates[alike])]]
        stacks = self._trace.table("allocations")["stack_id"][hanging]
        return hanging[~np.isin(stacks, np.fromiter(stack_ids, np.int64))]

    def _blocks_of_objects(self, process_id: int) -> tuple[Array, Array]:
        """The objects of the process that have a recorded block which is live, and these: rows of
        `allocations`.
        """
        if process_id not in self._of_objects:
            live = self._live_rows(process_id).rows
            ids = self._trace.table("allocations")["allocation_id"][live]
            objects, places = self._trace.heap_graph.objects_of(self._last[process_id], ids)
            self._of_objects[process_id] = objects, live[places]
        return self._of_objects[process_id]

    def live_blocks(self, process_id: int, stack_ids: typing.Collection[int]) -> LiveBlocks:
        """What these call stacks allocated and was live at the last checkpoint of the process.

        Nothing where it has none.
        """
        key = process_id, frozenset(stack_ids)
        if key not in self._blocks:
            self._blocks[key] = self._blocks_of_stacks(process_id, stack_ids)
        return self._blocks[key]

    def _blocks_of_stacks(self, process_id: int, stack_ids: typing.Collection[int]) -> LiveBlocks:
        allocations = self._trace.table("allocations")
        rows = self.live_rows(process_id, stack_ids)
        rows = rows[np.argsort(allocations["allocation_id"][rows])]
        is_exact = "weight" not in allocations
        weights = np.ones(len(rows)) if is_exact else allocations["weight"][rows]
        return LiveBlocks(
            allocations["allocation_id"][rows],
            weights,
            allocations["size"][rows],
            allocations["allocator"][rows],
        )

    def live_rows(self, process_id: int, stack_ids: typing.Collection[int]) -> Array:
        """What these call stacks allocated and was live at the last checkpoint of the process: rows
        of `allocations`. None where it has none.
        """
        return self._live_rows(process_id).of_stacks(stack_ids)

    def _live_rows(self, process_id: int) -> _LiveRows:
        """Rows of `allocations` that were live at the last checkpoint of the process; none where
        it has none.
        """
        if process_id not in self._live:
            rows = np.empty(0, np.int64)
            allocations = self._trace.table("allocations")
            if process_id in self._last:
                freed, now = allocations["freed_ns"], self._times[process_id]
                rows = np.flatnonzero((freed == -1) | (freed > now))
                rows = rows[allocations["time_ns"][rows] <= now]
                if "process_id" in allocations:
                    rows = rows[allocations["process_id"][rows] == process_id]
            stacks = allocations["stack_id"][rows]
            order = np.argsort(stacks)
            self._live[process_id] = _LiveRows(rows[order], stacks[order])
        return self._live[process_id]

    def _rows_of_blocks(self, process_id: int, blocks: Array) -> tuple[Array, int]:
        """Where the objects stand that lie in these blocks or have them as buffers; and how many
        blocks have no object.
        """
        known = np.zeros(len(blocks), bool)
        is_found = np.zeros(len(self._trace.heap_graph.objects()["object_id"]), bool)
        for rows, block_of_row in self._trace.heap_graph.in_blocks(self._last[process_id]):
            first = block_of_row.searchsorted(blocks, side="left")
            count = block_of_row.searchsorted(blocks, side="right") - first
            known |= count > 0
            is_found[rows[_ranges(first, count)]] = True
        return np.flatnonzero(is_found), int(np.sum(~known))

    def _describe(self, process_id: int, found: _Found) -> Holders:
        from memlyze._speedups import _object_tree

        rows, without_object = found.rows, found.without_object
        graph = self._trace.heap_graph
        objects = graph.objects()
        if not len(rows):
            return Holders(self._times[process_id], blocks_without_object=without_object)
        tree = graph.tree()
        is_chosen = np.zeros(len(objects["object_id"]), np.uint8)
        is_chosen[rows] = 1
        _object_tree.outermost(tree["dominator_row"], is_chosen)
        shortest = self._speller.way(int(rows[np.argmin(tree["distance"][rows])]))
        chains = self._chains(found.looked_at, shortest)
        shares = {pattern: chain.share for pattern, chain in chains}
        containers = self._container_finder.containers(
            found.looked_at, found.holder_row, found.share
        )
        row = int(rows[0]) if len(rows) == 1 else containers.row
        return Holders(
            time_ns=self._times[process_id],
            objects=len(rows),
            blocks_without_object=without_object,
            bytes=int(objects["size"][rows].sum()),
            retained_bytes=int(tree["retained"][np.flatnonzero(is_chosen)].sum()),
            types=self._types(rows),
            shortest=Chain(shortest.text, shortest.root, shares.get(shortest.pattern, 0.0)),
            chains=tuple(chain for _, chain in chains[:_MOST_CHAINS]),
            holder=self._holder(found),
            garbage_share=sum(chain.share for _, chain in chains if chain.root == "nobody"),
            shared_share=self._shared_share(found.looked_at),
            container_id=None if row is None else int(objects["object_id"][row]),
            object_ids=tuple(objects["object_id"][rows].tolist()) if len(rows) <= _FEW else (),
            containers=containers.shared,
            are_all_containers=containers.are_all,
            freed_with_containers=containers.freed_bytes,
        )

    def _shared_share(self, rows: Array) -> float:
        graph = self._trace.heap_graph
        tree, is_namespace = graph.tree(), graph.namespaces()
        dominators = tree["dominator_row"]
        outermost = rows.copy()
        for _ in range(_MOST_STEPS):
            above = dominators[outermost]
            goes_on = (above >= 0) & ~is_namespace[above]
            if not goes_on.any():
                break
            outermost = np.where(goes_on, above, outermost)
        # What holds the outermost on the shortest way would be above it, were it the only one.
        holders = tree["holder_row"][outermost]
        is_shared = (holders >= 0) & ~is_namespace[holders]
        return float(is_shared.mean())

    def _types(self, rows: Array) -> tuple[HeldType, ...]:
        names, number = self._speller.types(rows)
        counts = np.bincount(number, minlength=len(names))
        size = self._trace.heap_graph.objects()["size"][rows]
        sizes = np.bincount(number, weights=size, minlength=len(names))
        order = np.argsort(-sizes, kind="stable")[:_MOST_TYPES].tolist()
        return tuple(HeldType(names[k], int(counts[k]), int(sizes[k])) for k in order)

    def _chains(self, rows: Array, shortest: Way) -> list[tuple[str, Chain]]:
        """By their patterns, the most common first; of one pattern the shortest."""
        counts: collections.Counter[str] = collections.Counter()
        examples = {shortest.pattern: shortest}
        for row in rows.tolist():
            way = self._speller.way(row)
            pattern = way.pattern
            counts[pattern] += 1
            if pattern not in examples or len(way.steps) < len(examples[pattern].steps):
                examples[pattern] = way
        return [
            (pattern, Chain(examples[pattern].text, examples[pattern].root, count / len(rows)))
            for pattern, count in counts.most_common()
        ]

    def _holder_row(self, rows: Array) -> tuple[int | None, float]:
        """The object that retains nearly all of `rows`, itself perhaps among them, or else most;
        and the share of `rows` that it has.
        """
        tree = self._tree
        # The one that dominates no other of these retains least.
        return nearest_above(
            tree["dominator_row"],
            rows,
            len(rows),
            nearness=-tree["retained"],
            is_namespace=self._speller.is_namespace,
        )

    def _holder(self, found: _Found) -> Holder | None:
        """The object that holds nearly all or most of what was found."""
        row = found.holder_row
        if row is None:
            return None
        tree = self._trace.heap_graph.tree()
        holder = Holder(
            self._speller.way(row).text,
            self._speller.type_name(row),
            int(tree["retained"][row]),
            found.share,
            is_bounded=False,
            object_id=int(self._trace.heap_graph.objects()["object_id"][row]),
        )
        if not holder.has_nearly_all:
            return holder
        type_name = self._speller.type_name
        is_bounded = fills_bounded_cache(self._trace, row, found.looked_at, type_name)
        return holder._replace(is_bounded=is_bounded)


def _ranges(first: Array, count: Array) -> Array:
    """The numbers from each of `first` on, so many of each."""
    turn = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    return np.repeat(first, count) + turn


def _evenly(rows: Array) -> Array:
    """As many as tell what the others are like, evenly from all of them."""
    return rows[np.linspace(0, len(rows) - 1, min(len(rows), MOST_LOOKED_AT)).astype(int)]


def _processes_with_lost_rows(trace: Trace) -> list[int]:
    return [
        number
        for number, file in zip(trace.process_ids, trace.files)
        if file.lost_checkpoints.has_lost_rows
    ]
