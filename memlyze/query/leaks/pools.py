"""Growth that is spread over many lines, each of which has too little of it to be judged.

Lines that are too small, or were sampled so rarely that no test could tell, are judged together:
those of a function, then what is left of a file, then the files of which one container holds what
they left. What grows together is one site. Not so what is left of a process: one of its lines
begins when another ends, and nothing of it need grow.
"""

from __future__ import annotations

import json
import typing

import numpy as np

from memlyze.query.leaks.clock import CELLS, Array
from memlyze.query.leaks.curves import BEFORE, OF_EACH, Columns
from memlyze.query.leaks.places import number_places
from memlyze.query.leaks.rows import Judged, Process, Sites, judged_sites, texts
from memlyze.query.leaks.trend import same_times_p
from memlyze.query.leaks.verdicts import GROWING

SEVERAL_FUNCTIONS = "<several functions>"
SEVERAL_FILES = "<several files>"
#: Chance of times that differ as much: files of which one grows after the other do not grow
#: together.
_AT_OTHER_TIMES = 0.01

#: For groups of call stacks, by the number of each stack, the container of most of what each left.
Containers = typing.Callable[[Array], Array]


class _Stage(typing.NamedTuple):
    """What the lines that are put together have in common."""

    names: tuple[str, ...]
    """Columns of `frames`; empty: the container of most of what their files left."""
    looks: int
    """As `judge` takes it."""


#: The first two share a chance of 1 % of naming anything that does not grow, the last has its own.
_STAGES = (_Stage(("function", "file"), 2), _Stage(("file",), 2), _Stage((), 1))


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
    is_left = (lasting > 0) & (lines.frame_row >= 0)
    is_left[judged.numbers[judged.judgement.has_enough]] = False
    file = number_places(frames, ("file",))[lines.frame_row]
    found = []
    is_taken = np.zeros(len(is_left), bool)
    for stage in _STAGES:
        if stage.names:
            pool = number_places(frames, stage.names)[lines.frame_row]
        elif lives.is_exact:
            break  # a line of which everything was recorded is judged by itself, if it has enough
        else:
            pool, is_left = _by_container(lines, is_left, file, containers)
        is_left_together = is_left & (np.bincount(pool, weights=is_left)[pool] >= 2)
        if not is_left_together.any():
            continue
        pools = _judge_pools(process, lines, pool, is_left_together, lasting, frames, stage.looks)
        grows = pools.judgement.verdict == GROWING
        if not stage.names:
            for place in np.flatnonzero(grows):
                is_of_pool = is_left_together & (pool == pools.numbers[place])
                grows[place] = _grow_together(process, lines, is_of_pool, file)
        if grows.any():
            columns = {name: values[grows] for name, values in pools.columns.items()}
            numbers = pools.numbers[grows]
            columns.update(_names(stage, numbers, pool, is_left_together, lines))
            found.append(columns)
            is_taken |= is_left_together & np.isin(pool, numbers)
            is_left &= ~is_taken
    return found, is_taken


def _by_container(
    lines: Sites, is_left: Array, file: Array, containers: Containers
) -> tuple[Array, Array]:
    """A number for each line by the container of its file, and which lines have one that holds what
    several files left.
    """
    of_file = np.full(int(file.max()) + 1, -1)
    found = containers(np.where(is_left, file, -1)[lines.of_stack])
    of_file[: len(found)] = found
    known, pool = np.unique(of_file, return_inverse=True)
    files = np.bincount(pool[np.unique(file[is_left])], minlength=len(known))
    pool = pool[file]
    return pool, is_left & (files >= 2)[pool] & (known >= 0)[pool]


def _grow_together(process: Process, lines: Sites, is_of_pool: Array, file: Array) -> bool:
    """Whether what stays of the files of a pool was made at the same times."""
    lives = process.lives
    line = lines.of_stack[lives.stack_id]
    stays = is_of_pool[line] & (lives.died == CELLS) & (lives.born != BEFORE)
    return same_times_p(lives.born[stays], file[line[stays]]) >= _AT_OTHER_TIMES


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
        Sites(lines.level, of_stack, frame_row),
        frames,
        looks=looks,
    )


def _names(
    stage: _Stage, numbers: Array, pool: Array, is_pooled: Array, lines: Sites
) -> dict[str, Array]:
    """What the pools are called, and which stacks they consist of."""
    pool_of_stack = np.where(is_pooled[lines.of_stack], pool[lines.of_stack], -1)
    columns = {
        "line": np.zeros(len(numbers), dtype=np.int64),
        "stack_ids": texts(
            [json.dumps(np.flatnonzero(pool_of_stack == number).tolist()) for number in numbers]
        ),
    }
    if "function" not in stage.names:
        columns["function"] = texts([SEVERAL_FUNCTIONS] * len(numbers))
    if "file" not in stage.names:
        columns["file"] = texts([SEVERAL_FILES] * len(numbers))
    return columns
