"""The allocation site of each call stack: the innermost frame that is the program's own code."""

from __future__ import annotations

import typing

import numpy as np

from memlyze.query.origins import PROGRAM, origin_of

Array = typing.Any  # a one-dimensional numpy array


def frame_origins(frames: typing.Mapping[str, Array]) -> Array:
    """`origin_of` for each row of the `frames` table, asked once for each file."""
    known: dict[tuple[str, str], str] = {}
    origins = np.empty(len(frames["frame_id"]), dtype=object)
    for index, key in enumerate(zip(frames["file"], frames["language"])):
        origin = known.get(key)
        if origin is None:
            origin = known[key] = origin_of(*key)
        origins[index] = origin
    return origins


def stack_sites(
    stacks: typing.Mapping[str, Array], frames: typing.Mapping[str, Array], origins: Array
) -> dict[str, Array]:
    """For each stack its `innermost_frame_id` and `program_frame_id`.

    The latter is the innermost frame whose origin is the program; for a stack without one, its
    innermost frame. Works on the tree by pointer jumping: every stack looks at its caller until it
    stands on a program frame or an outermost one, and the distance looked doubles each round.
    """
    count = len(stacks["stack_id"])
    frame_rows = _rows_of(stacks["frame_id"], frames["frame_id"])
    known = frame_rows >= 0
    is_program = np.zeros(count, dtype=bool)
    is_program[known] = (origins == PROGRAM)[frame_rows[known]]

    own = np.arange(count)
    parents = _rows_of(stacks["parent_id"], stacks["stack_id"])
    target = np.where(is_program | (parents < 0), own, parents)
    while True:
        further = target[target]
        if np.array_equal(further, target):
            break
        target = further

    innermost = np.asarray(stacks["frame_id"])
    return {
        "stack_id": stacks["stack_id"],
        "innermost_frame_id": innermost,
        "program_frame_id": np.where(is_program[target], innermost[target], innermost),
    }


def _rows_of(wanted: Array, ids: Array) -> Array:
    """Where each of the `wanted` ids stands among `ids`; −1 for those that do not."""
    if not len(ids):
        return np.full(len(wanted), -1)
    order = np.argsort(ids, kind="stable")
    ordered = ids[order]
    places = np.minimum(np.searchsorted(ordered, wanted), len(ordered) - 1)
    return np.where(ordered[places] == wanted, order[places], -1)
