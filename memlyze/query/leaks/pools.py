"""Growth that is spread over many lines, each of which has too little of it to be judged.

Lines that are too small, or were sampled so rarely that no test could tell, are judged together:
those of a function, then what is left of a file. What grows together is one site. Not so what is
left of a process: one of its lines begins when another ends, and nothing of it need grow. But the
functions of which one container holds what they left are judged together, with whatever does not
grow by itself: that a list of requests gets longer, each line of them may have too little to show.
Where lines that were found to grow have more of what the container holds, the rest is told with
these.
"""

from __future__ import annotations

import collections
import json
import typing

import numpy as np

from memlyze.query.leaks.clock import CELLS, COHORTS, Array
from memlyze.query.leaks.curves import BEFORE, OF_EACH, Columns
from memlyze.query.leaks.places import number_places
from memlyze.query.leaks.rows import Judged, Process, Sites, judged_sites, texts
from memlyze.query.leaks.trend import same_times_p
from memlyze.query.leaks.verdicts import GROWING

SEVERAL_FUNCTIONS = "<several functions>"
SEVERAL_FILES = "<several files>"
#: Chance of times that differ as much: what grows one after the other does not grow together.
_AT_OTHER_TIMES = 0.01
_NO_CONTAINER = -1

#: For groups of call stacks, by the number of each stack, the container of most of what each left,
#: where stacks that were found to grow, by the number of each, too, do not have more in it.
Containers = typing.Callable[[Array, Array], Array]


class _Stage(typing.NamedTuple):
    """What the lines that are put together have in common."""

    names: tuple[str, ...]
    """Columns of `frames`; empty: the container of most of what their functions left."""
    looks: int
    """As `judge` takes it."""


_PLACES = (("function", "file"), ("file",))
#: The first two share a chance of 1 % of naming anything that does not grow, the last has its own.
_STAGES = (*(_Stage(names, len(_PLACES)) for names in _PLACES), _Stage((), 1))


def pooled_sites(
    process: Process, lines: Sites, judged: Judged, frames: Columns, containers: Containers
) -> tuple[list[dict[str, Array]], Array]:
    """Rows as `judged_sites` gives them, for lines that only grow together; and by the number of
    each line whether it is among these.
    """
    lives = process.lives
    lasting = np.bincount(
        lines.of_stack[lives.stack_id], weights=lives.bytes, minlength=len(lines.frame_row)
    )
    is_seen = (lasting > 0) & (lines.frame_row >= 0) & _allocate_late(process, lines)
    has_enough, grows_alone = np.zeros((2, len(is_seen)), bool)
    has_enough[judged.numbers[judged.judgement.has_enough]] = True
    grows_alone[judged.numbers[judged.judgement.verdict == GROWING]] = True
    function, file = (number_places(frames, names)[lines.frame_row] for names in _PLACES)
    found = []
    is_taken = np.zeros(len(is_seen), bool)
    for stage in _STAGES:
        if stage.names:
            pool = number_places(frames, stage.names)[lines.frame_row]
            is_left = is_seen & ~has_enough & ~is_taken
        elif lives.is_exact:
            break  # a line of which everything was recorded is judged by itself, if it has enough
        else:
            is_found = is_seen & (grows_alone | is_taken)
            is_left = is_seen & ~is_found
            pool = _containers_of_lines(
                process, lines, is_left, is_found, function, file, containers
            )
            is_left &= pool != _NO_CONTAINER
            pool -= _NO_CONTAINER  # none is negative
        is_left_together = is_left & (np.bincount(pool, weights=is_left)[pool] >= 2)
        if not is_left_together.any():
            continue
        pools = _judge_pools(process, lines, pool, is_left_together, lasting, frames, stage.looks)
        grows = pools.judgement.verdict == GROWING
        if not stage.names:
            for place in np.flatnonzero(grows):
                is_of_pool = is_left_together & (pool == pools.numbers[place])
                grows[place] = _grow_together(process, lines, is_of_pool, function, file)
        if grows.any():
            columns = {name: values[grows] for name, values in pools.columns.items()}
            numbers = pools.numbers[grows]
            of_line = np.where(is_left_together, pool, _NO_CONTAINER)
            columns.update(_names(stage, columns, numbers, of_line, lines, file))
            found.append(columns)
            is_taken |= is_left_together & np.isin(pool, numbers)
    return found, is_taken


def _allocate_late(process: Process, lines: Sites) -> Array:
    """Of each line, whether it allocated anything after the first third of the time. What did not,
    such as a module that was imported, grows with nothing.
    """
    late = process.lives.stack_samples[:, COHORTS // 3 :].sum(axis=1)
    return np.bincount(lines.of_stack, weights=late, minlength=len(lines.frame_row)) > 0


def _containers_of_lines(
    process: Process,
    lines: Sites,
    is_left: Array,
    is_found: Array,
    function: Array,
    file: Array,
    containers: Containers,
) -> Array:
    """The container of each line, that of its function, by their numbers; or `_NO_CONTAINER`.

    A function of which nothing is left has that of most functions of its file: were only those
    taken of which something survives, that would look like growth.
    """
    lives = process.lives
    functions = int(function.max()) + 1
    of_function = np.full(functions, _NO_CONTAINER)
    group = np.where(is_left, function, _NO_CONTAINER)
    known = containers(group[lines.of_stack], is_found[lines.of_stack])
    of_function[: len(known)] = known
    file_of = np.zeros(functions, np.int64)
    file_of[function] = file
    has_one = np.flatnonzero(of_function != _NO_CONTAINER)
    in_files: collections.defaultdict[int, collections.Counter[int]]
    in_files = collections.defaultdict(collections.Counter)
    for of_file, container in zip(file_of[has_one].tolist(), of_function[has_one].tolist()):
        in_files[of_file][container] += 1
    survives = lives.died == CELLS
    leaves = np.bincount(function[lines.of_stack[lives.stack_id[survives]]], minlength=functions)
    for number in np.flatnonzero(leaves == 0).tolist():
        for container, _ in in_files[int(file_of[number])].most_common(1):
            of_function[number] = container
    # A single function was judged as such.
    several, counts = np.unique(of_function[has_one], return_counts=True)
    of_function[~np.isin(of_function, several[counts >= 2])] = _NO_CONTAINER
    of_line: Array = of_function[function]
    return of_line


def _grow_together(
    process: Process, lines: Sites, is_of_pool: Array, function: Array, file: Array
) -> bool:
    """Whether what stays of the functions of a pool, and of its files, was made at the same
    times.
    """
    lives = process.lives
    line = lines.of_stack[lives.stack_id]
    stays = is_of_pool[line] & (lives.died == CELLS) & (lives.born != BEFORE)
    times = lives.born[stays]
    return all(
        same_times_p(times, place[line[stays]]) >= _AT_OTHER_TIMES for place in (function, file)
    )


def _judge_pools(
    process: Process,
    lines: Sites,
    pool: Array,
    is_pooled: Array,
    lasting: Array,
    frames: Columns,
    looks: int,
) -> Judged:
    """Judge what the lines of each pool have together."""
    lives = process.lives
    rows = is_pooled[lines.of_stack[lives.stack_id]]
    chosen = lives._replace(**{name: getattr(lives, name)[rows] for name in OF_EACH})
    # The stacks of other lines are those of a site that has nothing.
    nothing = int(pool.max()) + 1
    of_stack = np.where(is_pooled[lines.of_stack], pool[lines.of_stack], nothing)
    frame_row = np.full(nothing + 1, -1)
    order = np.argsort(np.where(is_pooled, lasting, -1), kind="stable")
    frame_row[pool[order]] = lines.frame_row[order]
    return judged_sites(
        process._replace(lives=chosen),
        Sites(lines.level, of_stack, frame_row, np.zeros(len(frame_row), bool)),
        frames,
        looks=looks,
    )


def _names(
    stage: _Stage, columns: Columns, numbers: Array, pool: Array, lines: Sites, file: Array
) -> dict[str, Array]:
    """What the pools are called, and which stacks they consist of. `pool` is of each line,
    `columns` have what the line with most of each is called.
    """
    pool_of_stack = pool[lines.of_stack]
    names = {
        "line": np.zeros(len(numbers), dtype=np.int64),
        "stack_ids": texts(
            [json.dumps(np.flatnonzero(pool_of_stack == number).tolist()) for number in numbers]
        ),
    }
    if "function" not in stage.names:
        are_in_one = [len(np.unique(file[pool == number])) == 1 for number in numbers]
        names["function"] = texts([SEVERAL_FUNCTIONS] * len(numbers))
        names["file"] = np.where(are_in_one, columns["file"], SEVERAL_FILES)
    return names
