"""The objects of the checkpoints and what holds each of them, as columns beneath the views."""

from __future__ import annotations

import functools
import typing

import numpy as np

from memlyze.trace import format as fmt
from memlyze.trace.heap_graph import LostCheckpoints

Array = typing.Any  # a one-dimensional numpy array
Columns = typing.Dict[str, Array]
Table = typing.Callable[[str], Columns]

HOW_TYPE = 7
"""That an object is of a class; not in the file as a reference."""
HELD_BY_UNSEEN = -2
HELD_BY_NOBODY = -3
HELD_BY_UNKNOWN = -4
"""Of the checkpoint that the object is of, something is lost."""

# How many references a root counts for: what a module or a variable names is not looked for behind
# the dictionary of a namespace.
_LEVELS = {fmt.ROOT_MODULE: 0, fmt.ROOT_LOCAL: 0, fmt.ROOT_THREAD: 1, fmt.ROOT_GLOBALS: 2}


# What the tree says of an object of which it is not known who holds it.
_UNKNOWN = {
    "holder_id": 0,
    "how": 0,
    "number": 0,
    "key_id": 0,
    "root": HELD_BY_UNKNOWN,
    "distance": -1,
    "dominator_id": 0,
    "retained": -1,
    "dominator_row": -1,
    "holder_row": -1,
    "is_reference": 0,
}


class _Graph(typing.NamedTuple):
    """The references between the objects, as `_object_tree` takes them."""

    first_reference: Array
    """By object, and the number of all at the end."""
    referred: Array
    type_objects: Array
    is_held_unseen: Array
    roots: Array
    levels: Array


class Reader(typing.Protocol):
    """What it is made of: a trace, or several."""

    @property
    def table(self) -> Table:
        """Gives a table by its name."""

    @property
    def lost_checkpoints(self) -> LostCheckpoints:
        """What damage has torn."""


class HeapGraph:
    """Made of the reader's tables."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._table: Table = reader.table
        self._lost: LostCheckpoints | None = None
        self._objects: Columns | None = None
        self._references: Columns | None = None
        self._tree: Columns | None = None
        self._namespaces: Array | None = None
        self._in_blocks: dict[int, list[tuple[Array, Array]]] = {}

    @property
    def lost_checkpoints(self) -> LostCheckpoints:
        """The checkpoints that damage has torn: of their objects nobody knows who holds them."""
        if self._lost is None:
            self._lost = self._reader.lost_checkpoints
        return self._lost

    def columns(self, name: str) -> Columns:
        """The private tables `objects`, `object_references`, `object_roots` and `object_tree`."""
        if name == "object_roots":
            roots = self._table(name)
            return {**roots, "root": np.arange(len(roots["object_id"]))}
        if name == "objects":
            return self.objects()
        return self.references() if name == "object_references" else self.tree()

    def objects(self) -> Columns:
        """The objects of all checkpoints that are whole, by their ids, with that of the
        checkpoint.
        """
        if self._objects is None:
            found = self._table("objects")
            ids = found["object_id"]
            checkpoint_ids = _checkpoints_of(ids, self._table("checkpoints"))
            rows = np.flatnonzero(checkpoint_ids)
            if not _is_increasing(ids[rows]):
                rows = rows[np.unique(ids[rows], return_index=True)[1]]
            if len(rows) == len(ids):
                self._objects = {**found, "checkpoint_id": checkpoint_ids}
            else:
                self._objects = {name: values[rows] for name, values in found.items()}
                self._objects["checkpoint_id"] = checkpoint_ids[rows]
        return self._objects

    def references(self) -> Columns:
        """The references between these, by the objects that have them; with the key of each value,
        and where both ends stand among the objects. References to types come last.
        """
        if self._references is None:
            self._references = self._make_references()
        return self._references

    def _make_references(self) -> Columns:
        found = self._table("object_references")
        ids = self.objects()["object_id"]
        from_row, to_row = rows_of(found["from_id"], ids), rows_of(found["to_id"], ids)
        how, number = found["how"], found["number"]
        key_id = np.zeros(len(how), np.int32 if ids.dtype == np.int32 else np.int64)
        if len(how):
            follows_key = (how[1:] == fmt.HOW_VALUE) & (how[:-1] == fmt.HOW_KEY) & (number[1:] == 0)
            follows_key &= found["from_id"][1:] == found["from_id"][:-1]
            key_id[1:][follows_key] = found["to_id"][:-1][follows_key]
        columns = {
            "from_id": found["from_id"],
            "to_id": found["to_id"],
            "how": how,
            "number": number,
            "key_id": key_id,
            "from_row": from_row,
            "to_row": to_row,
        }
        is_known = (from_row >= 0) & (to_row >= 0)
        if not is_known.all():
            columns = {name: values[is_known] for name, values in columns.items()}
        if np.any(columns["from_row"][1:] < columns["from_row"][:-1]):
            order = np.argsort(columns["from_row"], kind="stable")
            columns = {name: values[order] for name, values in columns.items()}
        return columns

    def type_objects(self) -> Array:
        """Where the class of each object stands among the objects; −1: it is none of them, or is
        not held by its instances.
        """
        types = self._table("object_types")
        rows = rows_of(self.objects()["type_id"], types["type_id"])
        referred = np.where(types["is_referred"] != 0, types["object_id"], 0)
        class_rows = rows_of(referred, self.objects()["object_id"]).astype(np.int32)
        if not len(class_rows):
            return np.full(len(rows), -1, np.int32)
        return np.where(rows >= 0, class_rows[np.maximum(rows, 0)], -1).astype(np.int32)

    def in_blocks(self, checkpoint_id: int) -> list[tuple[Array, Array]]:
        """The rows of the objects of a checkpoint that have a recorded block, in the order of
        these, and the blocks: those that they lie in, and those that they have as buffers.
        """
        if checkpoint_id not in self._in_blocks:
            objects = self.objects()
            is_of_checkpoint = objects["checkpoint_id"] == checkpoint_id
            found = self._in_blocks[checkpoint_id] = []
            for column in ("allocation_id", "buffer_allocation_id"):
                rows = np.flatnonzero(is_of_checkpoint & (objects[column] != 0))
                blocks = objects[column][rows]
                order = np.argsort(blocks)
                found.append((rows[order], blocks[order]))
        return self._in_blocks[checkpoint_id]

    def objects_of(self, checkpoint_id: int, allocation_ids: Array) -> tuple[Array, Array]:
        """The rows of the objects of a checkpoint that have one of these blocks, and where that of
        each stands among them.
        """
        order = np.argsort(allocation_ids)
        ids = allocation_ids[order]
        rows, places = [], []
        for of_objects, blocks in self.in_blocks(checkpoint_id):
            place = np.minimum(ids.searchsorted(blocks), max(len(ids) - 1, 0))
            is_one = ids[place] == blocks if len(ids) else np.zeros(len(blocks), bool)
            rows.append(of_objects[is_one])
            places.append(order[place[is_one]])
        return np.concatenate(rows), np.concatenate(places)

    def namespaces(self) -> Array:
        """Whether each object is a module, or what a module keeps its names in."""
        if self._namespaces is None:
            types, tree = self._table("object_types"), self.tree()
            names = [str(name).rsplit(".", 1)[-1] for name in types["name"]]
            # The last is of objects whose type is not known.
            is_type_of_modules = np.array([name == "module" for name in names] + [False])
            type_rows = rows_of(self.objects()["type_id"], types["type_id"])
            is_module = is_type_of_modules[type_rows]
            holder = tree["holder_row"]
            is_of_module = (holder >= 0) & (tree["how"] == fmt.HOW_ATTRIBUTE)
            if len(holder):
                is_of_module &= is_module[holder]
            self._namespaces = is_module | is_of_module
        return self._namespaces

    def tree(self) -> Columns:
        """Of each object: what holds it on the shortest way from a root, and what would go with
        it. Nothing of that is known where a part of the checkpoint is lost (`HELD_BY_UNKNOWN`):
        what held an object may be among it.
        """
        if self._tree is None:
            self._tree = self._make_tree()
            lost = self.lost_checkpoints.checkpoint_ids
            if lost:
                is_lost = np.isin(self.objects()["checkpoint_id"], list(lost))
                for name, value in _UNKNOWN.items():
                    self._tree[name][is_lost] = value
        return self._tree

    def ways_without(self, rows: typing.Sequence[int]) -> Columns:
        """What holds each object on the shortest way if those at `rows` were not there: the columns
        `holder_row`, `root` and `distance` of `tree`, and in `reference` by which row of
        `references` (−1: it is the holder's class, or nobody holds it). What is then held by nobody
        has such a `root`.
        """
        from memlyze._speedups import _object_tree

        is_left_out = np.zeros(len(self.objects()["object_id"]), np.uint8)
        is_left_out[list(rows)] = 1
        graph = self._graph
        ways = _object_tree.make_shortest_ways(
            graph.first_reference,
            graph.referred,
            graph.type_objects,
            graph.is_held_unseen,
            is_left_out,
            graph.roots,
            graph.levels,
        )
        return {
            "holder_row": ways["holder"],
            "root": ways["root"],
            "distance": ways["distance"],
            "reference": ways["reference"],
        }

    def _make_tree(self) -> Columns:
        from memlyze._speedups import _object_tree

        ids, graph, references = self.objects()["object_id"], self._graph, self.references()
        tree: Columns = _object_tree.make_object_tree(
            graph.first_reference,
            graph.referred,
            graph.type_objects,
            np.ascontiguousarray(self.objects()["size"]),
            graph.is_held_unseen,
            graph.roots,
            graph.levels,
        )
        return {
            "object_id": ids,
            "holder_id": _taken(ids, tree["holder"], 0),
            "how": _taken(references["how"], tree["reference"], HOW_TYPE),
            "number": _taken(references["number"], tree["reference"], 0),
            "key_id": _taken(references["key_id"], tree["reference"], 0),
            "root": tree["root"],
            "distance": tree["distance"],
            "dominator_id": _taken(ids, tree["dominator"], 0),
            "retained": tree["retained"],
            "dominator_row": tree["dominator"],
            "holder_row": tree["holder"],
            "is_reference": (tree["reference"] >= 0).astype(np.uint8),
        }

    @functools.cached_property
    def _graph(self) -> _Graph:
        objects, references = self.objects(), self.references()
        ids = objects["object_id"]
        roots = self._table("object_roots")
        levels = [_LEVELS.get(kind, 2) for kind in roots["kind"].tolist()]
        first = np.zeros(len(ids) + 1, np.int64)
        np.cumsum(np.bincount(references["from_row"], minlength=len(ids)), out=first[1:])
        return _Graph(
            first,
            np.ascontiguousarray(references["to_row"], np.int32),
            self.type_objects(),
            (objects["unseen_references"] > 0).astype(np.uint8),
            rows_of(roots["object_id"], ids).astype(np.int32),
            np.array(levels, np.int32),
        )


def _taken(values: Array, rows: Array, otherwise: Array) -> Array:
    """`values` at `rows`; where a row is negative, `otherwise`."""
    if not len(values):
        return np.broadcast_to(np.asarray(otherwise, values.dtype), rows.shape).copy()
    return np.where(rows >= 0, values[np.maximum(rows, 0)], otherwise).astype(values.dtype)


def _checkpoints_of(ids: Array, checkpoints: Columns) -> Array:
    """The checkpoint of each object id, 0: of none that is whole."""
    order = np.argsort(checkpoints["first_object_id"], kind="stable")
    if not len(order):
        return np.zeros(len(ids), np.int32)
    firsts = checkpoints["first_object_id"][order].astype(np.int64)
    ends = firsts + checkpoints["object_count"][order]
    places = np.searchsorted(firsts, ids, side="right") - 1
    is_inside = (places >= 0) & (ids < ends[np.maximum(places, 0)])
    found = checkpoints["checkpoint_id"][order][np.maximum(places, 0)]
    return np.where(is_inside, found, 0).astype(checkpoints["checkpoint_id"].dtype)


def _is_increasing(ids: Array) -> bool:
    return bool(np.all(ids[1:] > ids[:-1]))


def rows_of(wanted: Array, ids: Array) -> Array:
    """Where each of the `wanted` ids stands among `ids`; −1 for those that do not."""
    if not len(ids):
        return np.full(len(wanted), -1, np.int64)
    if _is_increasing(ids):
        if int(ids[-1]) - int(ids[0]) == len(ids) - 1:  # without gaps, as the recorder gives them
            rows = wanted.astype(np.int64) - int(ids[0])
            return np.where((rows >= 0) & (rows < len(ids)), rows, -1)
        order = None
        ordered = ids
    else:
        order = np.argsort(ids, kind="stable")
        ordered = ids[order]
    places = np.minimum(np.searchsorted(ordered, wanted), len(ordered) - 1)
    rows = places if order is None else order[places]
    return np.where(ordered[places] == wanted, rows, -1)
