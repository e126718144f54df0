"""Growth that is spread over many lines, each of which has too little of it to be judged.

Lines that are too small, or were sampled so rarely that no test could tell, are judged together:
those of a function, then what is left of a file. What grows together is one site; who holds it says
what it is. Not so what is left of a process: one of its lines begins when another ends, and nothing
of it need grow.
"""

from __future__ import annotations

import json

import numpy as np

from memlyze.query.leaks.clock import Array
from memlyze.query.leaks.curves import OF_EACH, Columns
from memlyze.query.leaks.places import number_places
from memlyze.query.leaks.rows import Judged, Process, Sites, judged_sites, texts
from memlyze.query.leaks.verdicts import GROWING

SEVERAL_FUNCTIONS = "<several functions>"
#: What lines have in common that are put together.
_STAGES = (("function", "file"), ("file",))


def pooled_sites(
    process: Process, lines: Sites, judged: Judged, frames: Columns
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
    found = []
    is_taken = np.zeros(len(is_left), bool)
    for stage in _STAGES:
        pool = number_places(frames, stage)[lines.frame_row]
        is_left_together = is_left & (np.bincount(pool, weights=is_left)[pool] >= 2)
        if not is_left_together.any():
            continue
        pools = _judge_pools(process, lines, pool, is_left_together, lasting, frames)
        grows = pools.judgement.verdict == GROWING
        if grows.any():
            columns = {name: values[grows] for name, values in pools.columns.items()}
            numbers = pools.numbers[grows]
            columns.update(_names(stage, numbers, pool, is_left_together, lines))
            found.append(columns)
            is_taken |= is_left_together & np.isin(pool, numbers)
            is_left &= ~is_taken
    return found, is_taken


def _judge_pools(
    process: Process,
    lines: Sites,
    pool: Array,
    is_pooled: Array,
    lasting: Array,
    frames: Columns,
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
        looks=len(_STAGES),
    )


def _names(
    stage: tuple[str, ...], numbers: Array, pool: Array, is_pooled: Array, lines: Sites
) -> dict[str, Array]:
    """What the pools are called, and which stacks they consist of."""
    pool_of_stack = np.where(is_pooled[lines.of_stack], pool[lines.of_stack], -1)
    columns = {
        "line": np.zeros(len(numbers), dtype=np.int64),
        "stack_ids": texts(
            [json.dumps(np.flatnonzero(pool_of_stack == number).tolist()) for number in numbers]
        ),
    }
    if "function" not in stage:
        columns["function"] = texts([SEVERAL_FUNCTIONS] * len(numbers))
    return columns
