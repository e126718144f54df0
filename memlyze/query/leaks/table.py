"""The rows beneath the macro `leaks()`: each site of each process, by line, function and stack."""

from __future__ import annotations

import typing

import numpy as np

from memlyze.query.leaks.clock import Array, Work, work_in_cells
from memlyze.query.leaks.curves import Columns, read_lives
from memlyze.query.leaks.pools import pooled_sites
from memlyze.query.leaks.requests import with_growth_by_request
from memlyze.query.leaks.rows import Process, Sites, judged_sites

Tables = typing.Callable[[str], Columns]

LEVELS = ("line", "function", "stack")
#: Why a checkpoint is taken when recording ends.
_LAST_REASONS = ("stop", "exit", "_exit")


def leak_rows(tables: Tables) -> dict[str, Array]:
    """The columns of the private table `leaks`, from those of the others.

    `tables` gives the columns of a private table by name.
    """
    frames = tables("frames")
    levels = _levels(tables("stack_sites"), frames)
    parts: list[dict[str, Array]] = []
    for process in _processes(tables, len(levels[0].of_stack)):
        for sites in levels:
            judged = judged_sites(process, sites, frames)
            parts.append(with_growth_by_request(process, sites, judged, frames))
            if sites.level == "line":
                parts += pooled_sites(process, sites, judged, frames)
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _processes(tables: Tables, stacks: int) -> typing.Iterator[Process]:
    """Each process with its lives; of several files, the rows of one lie together."""
    allocations, memory = tables("allocations"), tables("memory")
    collections, windows = tables("gc"), tables("windows")
    processes = tables("processes")
    for process_id, start_ns, end_ns in zip(
        processes["process_id"], processes["kept_from_ns"], processes["end_ns"]
    ):
        rows = _rows_of_process(allocations, int(process_id))
        if end_ns < 0:
            times = [int(start_ns)]
            for table in (allocations, memory):
                part = _rows_of_process(table, int(process_id))
                for name in ("time_ns", "freed_ns"):
                    times.append(int(table[name][part].max(initial=0)) if name in table else 0)
            end_ns = max(times)
        of_process = _rows_of_process(collections, int(process_id))
        runs = {name: collections[name][of_process] for name in ("time_ns", "duration_ns")}
        span = (int(start_ns), int(end_ns))
        pauses = _pauses(tables("checkpoints"), int(process_id), span[1])
        work = _work(memory, int(process_id), span)
        lives = read_lives(allocations, rows, runs, pauses, work, span, stacks)
        of_process = _rows_of_process(windows, int(process_id))
        names = ("window_id", "kind", "name", "start_ns", "end_ns")
        yield Process(
            int(process_id),
            lives,
            {name: column[rows] for name, column in allocations.items()},
            {name: windows[name][of_process] for name in names},
        )


def _pauses(checkpoints: Columns, process_id: int, end_ns: int) -> Array:
    """When the program stood still for a checkpoint: start and end. After one that is taken when
    recording ends, nothing of the program's follows.
    """
    rows = _rows_of_process(checkpoints, process_id)
    starts = checkpoints["time_ns"][rows]
    ends = starts + checkpoints["pause_ns"][rows]
    at_stop = np.isin(checkpoints["reason"][rows].astype(str), _LAST_REASONS)
    return np.stack([starts, np.where(at_stop, end_ns, ends)], axis=1)


def _work(memory: Columns, process_id: int, span: tuple[int, int]) -> Work | None:
    """What the process did in each cell besides allocating, where the memory clock noted it."""
    rows = _rows_of_process(memory, process_id)
    time_ns = memory["time_ns"][rows]
    return work_in_cells(time_ns, memory["cpu_us"][rows], memory["waits"][rows], *span)


def _rows_of_process(table: Columns, process_id: int) -> slice:
    length = len(next(iter(table.values())))
    if "process_id" not in table:
        return slice(0, length)
    found = np.flatnonzero(table["process_id"] == process_id)
    return slice(int(found[0]), int(found[-1]) + 1) if len(found) else slice(0, 0)


def _levels(stack_sites: Columns, frames: Columns) -> list[Sites]:
    """The sites of each level."""
    stack_id = stack_sites["stack_id"]
    stacks = int(stack_id.max(initial=0)) + 1
    frame_id = frames["frame_id"]
    row_of_frame = np.full(int(frame_id.max(initial=0)) + 1, -1)
    row_of_frame[frame_id] = np.arange(len(frame_id))
    row_of_stack = np.full(stacks, -1)
    row_of_stack[stack_id] = row_of_frame[stack_sites["program_frame_id"]]
    levels = []
    for level in LEVELS:
        if level == "stack":
            levels.append(Sites(level, np.arange(stacks), row_of_stack))
            continue
        names = ("function", "file", "line")[: 3 if level == "line" else 2]
        numbers: dict[typing.Any, int] = {}
        keys = zip(*(frames[name] for name in names))
        # The last entry is that of stacks of which no frame is known: −1.
        number_of_row = np.array([*(numbers.setdefault(key, len(numbers)) for key in keys), -1])
        number_of_row[-1] = len(numbers)
        frame_row = np.full(len(numbers) + 1, -1)
        frame_row[number_of_row[:-1]] = np.arange(len(number_of_row) - 1)
        levels.append(Sites(level, number_of_row[row_of_stack], frame_row))
    return levels
