"""The tables of checkpoints: objects, what they refer to, and what holds them from outside."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from memlyze.trace import format as fmt
from memlyze.trace.source import BlockSource
from memlyze.trace.tables import texts

_IDS = np.int32
#: What the references among objects are made of. Without its names a chain is but less readable.
_GRAPH = (fmt.OBJECT_TYPES, fmt.OBJECTS, fmt.OBJECT_REFERENCES, fmt.OBJECT_ROOTS)


class LostCheckpoints(NamedTuple):
    """What damage took of the heap graphs in a file, wholly or in part."""

    checkpoint_ids: frozenset[int]
    """Those whose own row is there, but not all that belongs to it."""
    has_lost_rows: bool
    """Whether the row of a checkpoint is lost, and with it all that is known of it."""


def lost_checkpoints(source: BlockSource) -> LostCheckpoints:
    """Find them by the order of the blocks: a checkpoint's own is written behind its others."""
    found: set[int] = set()
    has_lost_rows = is_torn = has_begun = False
    last = None
    ids = source.columns(fmt.CHECKPOINTS)["checkpoint_id"].tolist()
    for block in source.layout.blocks:
        if block.block_type in _GRAPH:
            has_begun = True
            is_torn |= not source.is_sound(block)
        if block.block_type != fmt.CHECKPOINTS:
            continue
        if not source.is_sound(block):
            has_lost_rows = True
        else:
            of_block, ids = ids[: block.row_count], ids[block.row_count :]
            if is_torn or source.has_gap_between(last, block):
                found.update(of_block)
        is_torn, has_begun, last = False, False, block
    if has_begun:
        has_lost_rows |= is_torn or source.has_gap_between(last, source.layout.blocks[-1])
    return LostCheckpoints(frozenset(found), has_lost_rows)


def checkpoints(source: BlockSource) -> dict[str, Any]:
    """One row a checkpoint that is in the file as a whole."""
    columns = source.columns(fmt.CHECKPOINTS, {"checkpoint_id": _IDS, "first_object_id": _IDS})
    columns["reason"] = texts(columns["reason"])
    return columns


def object_types(source: BlockSource) -> dict[str, Any]:
    """One row a type of objects."""
    dtypes = {"type_id": _IDS, "object_id": _IDS, "is_referred": np.uint8}
    columns = source.columns(fmt.OBJECT_TYPES, dtypes)
    for name in ("name", "module"):
        columns[name] = texts(columns[name])
    return columns


def objects(source: BlockSource) -> dict[str, Any]:
    """One row an object."""
    return source.columns(
        fmt.OBJECTS, {"object_id": _IDS, "type_id": _IDS, "unseen_references": _IDS}
    )


def object_references(source: BlockSource) -> dict[str, Any]:
    """One row a reference, in the order of the objects that have them."""
    return source.columns(
        fmt.OBJECT_REFERENCES, {"from_id": _IDS, "to_id": _IDS, "how": np.uint8, "number": _IDS}
    )


def object_names(source: BlockSource) -> dict[str, Any]:
    """One row a name of an attribute, a variable or a key."""
    columns = source.columns(fmt.OBJECT_NAMES, {"name_id": _IDS})
    columns["name"] = texts(columns["name"])
    return columns


def object_texts(source: BlockSource) -> dict[str, Any]:
    """What an object is called; of one that is called several things, the first."""
    columns = source.columns(fmt.OBJECT_TEXTS, {"object_id": _IDS})
    _, rows = np.unique(columns["object_id"], return_index=True)
    found = columns["text"]
    return {
        "object_id": columns["object_id"][rows],
        "text": texts([found[row] for row in rows.tolist()]),
    }


def object_roots(source: BlockSource) -> dict[str, Any]:
    """One row for each thing that holds an object from outside."""
    dtypes = {"object_id": _IDS, "kind": np.uint8, "line": _IDS}
    columns = source.columns(fmt.OBJECT_ROOTS, dtypes)
    for name in ("name", "function", "file"):
        columns[name] = texts(columns[name])
    return columns


MAKERS = {
    "checkpoints": checkpoints,
    "object_types": object_types,
    "objects": objects,
    "object_references": object_references,
    "object_names": object_names,
    "object_texts": object_texts,
    "object_roots": object_roots,
}
