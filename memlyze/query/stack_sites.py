"""The allocation site of each call stack: the innermost frame that is the program's own code, or
else a library's.
"""

from __future__ import annotations

import typing

import numpy as np

from memlyze.query.origins import (
    GIVEN_TEXT,
    LIBRARY,
    PROGRAM,
    RUNTIME,
    could_be_launcher,
    is_middleware,
    origin_of,
)

Array = typing.Any  # a one-dimensional numpy array


def frame_origins(
    frames: typing.Mapping[str, Array],
    given_text: typing.Mapping[int, str] | None = None,
    program_packages: typing.Container[str] = (),
) -> Array:
    """`origin_of` for each row of the `frames` table, asked once for each file.

    `given_text` says whose code `<string>` is in each process (`origin_of_given_text`); where it
    says nothing, it is the program's.

    The launcher of an installed command (`…/bin/pytest`) is the runtime's: pip wrote it, and
    beneath it the program begins. A script of that place that has a function of its own is none.
    """
    functions: dict[str, set[str]] = {}
    for file, function in zip(frames["file"], frames["function"]):
        functions.setdefault(file, set()).add(function)
    known: dict[tuple[str, str], str] = {}
    origins = np.empty(len(frames["frame_id"]), dtype=object)
    for index, key in enumerate(zip(frames["file"], frames["language"])):
        origin = known.get(key)
        if origin is None:
            is_launcher = functions[key[0]] == {"<module>"} and could_be_launcher(key[0])
            origin = known[key] = RUNTIME if is_launcher else origin_of(*key, program_packages)
        origins[index] = origin
    if given_text:
        _place_given_text(frames, origins, given_text)
    return origins


def _place_given_text(
    frames: typing.Mapping[str, Array], origins: Array, given_text: typing.Mapping[int, str]
) -> None:
    """Set the origin of `<string>` by its process, in place."""
    rows = np.flatnonzero(np.asarray(frames["file"]) == GIVEN_TEXT)
    process_ids = frames.get("process_id")
    only = next(iter(given_text))
    for row in rows.tolist():
        process_id = only if process_ids is None else int(process_ids[row])
        origins[row] = given_text.get(process_id, PROGRAM)


def stack_sites(
    stacks: typing.Mapping[str, Array], frames: typing.Mapping[str, Array], origins: Array
) -> dict[str, Array]:
    """For each stack its `innermost_frame_id` and `program_frame_id`.

    The latter is the innermost frame whose origin is the program; for a stack without one, that of
    an installed package (such as in a command that pip installed); else its innermost frame.

    Where a middleware of memlyze's is in the stack, what counts is what it has called: outside of
    it are the server and the line that started it, whatever the request does.
    """
    own = np.arange(len(stacks["stack_id"]))
    frame_rows = rows_of(stacks["frame_id"], frames["frame_id"])
    parents = rows_of(stacks["parent_id"], stacks["stack_id"])
    is_in_middleware = _of_stacks(frame_rows, _are(frames["file"], is_middleware))
    site = own
    # From what says least to what says most, each in the place of the one before.
    for boundary in (None, is_in_middleware) if is_in_middleware.any() else (None,):
        for origin in (LIBRARY, PROGRAM):
            is_wanted = _of_stacks(frame_rows, origins == origin)
            is_stop = is_wanted if boundary is None else is_wanted | boundary
            found = _innermost(is_stop, parents)
            site = np.where(is_wanted[found], found, site)
    innermost = np.asarray(stacks["frame_id"])
    return {
        "stack_id": stacks["stack_id"],
        "innermost_frame_id": innermost,
        "program_frame_id": innermost[site],
    }


def lead_through(
    stacks: typing.Mapping[str, Array],
    frames: typing.Mapping[str, Array],
    is_such: typing.Callable[[str], bool],
) -> Array:
    """Whether each stack has a frame of such a file."""
    frame_rows = rows_of(stacks["frame_id"], frames["frame_id"])
    parents = rows_of(stacks["parent_id"], stacks["stack_id"])
    is_there = _of_stacks(frame_rows, _are(frames["file"], is_such))
    found: Array = is_there[_innermost(is_there, parents)]
    return found


def _of_stacks(frame_rows: Array, of_frames: Array) -> Array:
    """Of each stack what its innermost frame is, where that is known; else False."""
    is_known = frame_rows >= 0
    found = np.zeros(len(frame_rows), dtype=bool)
    found[is_known] = of_frames[frame_rows[is_known]]
    return found


def _are(files: Array, is_such: typing.Callable[[str], bool]) -> Array:
    """Whether each file is such a one, asked once for each."""
    known = {file: is_such(file) for file in set(files)}
    return np.fromiter((known[file] for file in files), dtype=bool, count=len(files))


def _innermost(is_wanted: Array, parents: Array) -> Array:
    """For each stack, the row of the first wanted one among itself and its callers, or of its
    outermost.

    Works on the tree by pointer jumping: every stack looks at its caller until it stands on one of
    these, and the distance looked doubles each round.
    """
    own = np.arange(len(parents))
    target = np.where(is_wanted | (parents < 0), own, parents)
    while True:
        further = target[target]
        if np.array_equal(further, target):
            return target
        target = further


def rows_of(wanted: Array, ids: Array) -> Array:
    """Where each of the `wanted` ids stands among `ids`; −1 for those that do not."""
    if not len(ids):
        return np.full(len(wanted), -1)
    order = np.argsort(ids, kind="stable")
    ordered = ids[order]
    places = np.minimum(np.searchsorted(ordered, wanted), len(ordered) - 1)
    return np.where(ordered[places] == wanted, order[places], -1)
