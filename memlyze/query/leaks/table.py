"""The rows beneath the macro `leaks()`: each site, by line, function and stack; of each process, or
of those that are alike.
"""

from __future__ import annotations

import functools
import typing

import numpy as np

from memlyze.query.heap_graph import HeapGraph
from memlyze.query.leaks.clock import Array, Work, work_in_cells
from memlyze.query.leaks.containers import container_of_groups
from memlyze.query.leaks.curves import Columns, Lives, read_lives
from memlyze.query.leaks.kin import Span, kin, lives_together
from memlyze.query.leaks.places import number_places
from memlyze.query.leaks.pools import pooled_sites
from memlyze.query.leaks.requests import LivesByRequest, lives_by_request, with_growth_by_request
from memlyze.query.leaks.rows import Process, Sites, judged_sites, texts
from memlyze.query.leaks.verdicts import GROWING, VERDICTS
from memlyze.query.origins import is_import_machinery
from memlyze.query.stack_sites import lead_through

Tables = typing.Callable[[str], Columns]

#: Why a checkpoint is taken when recording ends.
_LAST_REASONS = ("stop", "exit", "_exit")
_KINDS_THAT_NAMES_TELL = ("window", "call")
#: Bytes; an estimate below it is of nothing.
_NOTHING = 0.5
_UNFINISHED = "(not finished)"  # requests get their names at their ends
_NAMELESS = "(no name)"  # others have the one that the program gave them


class JudgedLives:
    """What lived in the processes of a trace, judged by whatever a site may be."""

    def __init__(self, tables: Tables, graph: HeapGraph) -> None:
        """`tables` gives the columns of a private table by name."""
        self._tables = tables
        self._graph = graph
        self._row_of_stack = _row_of_stack(tables)

    @functools.cached_property
    def _processes(self) -> list[tuple[Process, LivesByRequest]]:
        rows = range(len(self._tables("processes")["process_id"]))
        alike = kin(self._tables("processes"), [_span(self._tables, row) for row in rows])
        processes = [_process(self._tables, rows, len(self._row_of_stack)) for rows in alike]
        return [(process, lives_by_request(process)) for process in processes]

    def rows(self, level: str) -> dict[str, Array]:
        """The columns of the private table of sites of this level, one of `raw_tables.LEAKS`, those
        that need attention first.
        """
        sites = self._sites(level)
        frames = self._tables("frames")
        parts: list[dict[str, Array]] = []
        for process, by_request in self._processes:
            judged = judged_sites(process, sites, frames)
            columns = with_growth_by_request(process, by_request, sites, judged, frames)
            if level == "line":
                containers = functools.partial(
                    container_of_groups, self._graph, self._tables, process.process_ids
                )
                pooled, is_pooled = pooled_sites(process, sites, judged, frames, containers)
                # What grows with others is told once, unless it grows by itself.
                is_left = ~is_pooled[judged.numbers] | (columns["verdict"] == GROWING)
                columns = {name: values[is_left] for name, values in columns.items()}
                parts += pooled
            parts.append(columns)
        columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        unseen_bytes = self._tables("sampling")["unseen_bytes"][0]
        for name in ("live_bytes", "peak_bytes"):
            error = f"{name}_error"
            columns[error] = np.where(columns[name] < _NOTHING, unseen_bytes, columns[error])
        return _in_order(columns)

    def _sites(self, level: str) -> Sites:
        """What has the same names is one site, in however many processes."""
        if level == "stack":
            number_of_stack = _same_stacks(self._tables, len(self._row_of_stack))
            frame_row = np.full(len(number_of_stack), -1)
            frame_row[number_of_stack] = self._row_of_stack
            return Sites(level, number_of_stack, frame_row, np.zeros(len(frame_row), bool))
        names = ("function", "file", "line")[: 3 if level == "line" else 2]
        number_of_row = number_places(self._tables("frames"), names)
        frame_row = np.full(int(number_of_row.max()) + 1, -1)
        frame_row[number_of_row[:-1]] = np.arange(len(number_of_row) - 1)
        of_stack = number_of_row[self._row_of_stack]
        # What an import leaves that a line calls once hides what the line leaves each time.
        has = np.zeros((2, len(frame_row)), bool)
        has[self._is_import.astype(int), of_stack] = True
        of_stack = of_stack + self._is_import * len(frame_row)
        return Sites(level, of_stack, np.tile(frame_row, 2), np.tile(has.all(axis=0), 2))

    @functools.cached_property
    def _is_import(self) -> Array:
        """Whether each stack leads through the import of a module, by its number."""
        stacks = self._tables("stacks")
        is_import = np.zeros(len(self._row_of_stack), bool)
        is_import[stacks["stack_id"]] = lead_through(
            stacks, self._tables("frames"), is_import_machinery
        )
        return is_import


def _in_order(columns: typing.Mapping[str, Array]) -> dict[str, Array]:
    """The sites that need attention first, of each verdict the greatest first; with the place of
    each.
    """
    growth, live = columns["growth_bytes_per_second"], columns["live_bytes"]
    is_leak = (columns["verdict"] == GROWING) | columns["grew_until_freed"]
    names = zip(columns["file"], columns["line"].tolist(), columns["function"])
    keys = list(
        zip(
            map(VERDICTS.index, columns["verdict"]),
            (~columns["grew_until_freed"]).tolist(),
            np.where(is_leak, -growth, -live).tolist(),
            names,
        )
    )
    order = sorted(range(len(keys)), key=keys.__getitem__)
    ordered = {name: values[order] for name, values in columns.items()}
    return {**ordered, "place": np.arange(len(order))}


def _process(tables: Tables, rows: typing.Sequence[int], stacks: int) -> Process:
    """The processes that stand in these rows, as one."""
    processes, allocations, windows = tables("processes"), tables("allocations"), tables("windows")
    process_ids = processes["process_id"][rows].tolist()
    of_windows = [_rows_of_process(windows, number) for number in process_ids]
    return Process(
        process_ids,
        lives_together(_lives(tables, row, stacks) for row in rows),
        [_part(allocations, _rows_of_process(allocations, number)) for number in process_ids],
        _labelled(
            {
                name: np.concatenate([windows[name][of_process] for of_process in of_windows])
                for name in ("window_id", "kind", "method", "name", "start_ns", "end_ns")
            }
        ),
    )


def _labelled(windows: dict[str, Array]) -> Columns:
    """Windows that are named as in lists of them, by `_window_label` in SQL: what a `GET` leaves
    behind says nothing of a `POST` to the same route, nor of a websocket.
    """
    parts = zip(windows["kind"], windows.pop("method"), windows["name"])
    return {**windows, "name": texts([_label(*of_window) for of_window in parts])}


def _label(kind: str, method: str, name: str) -> str:
    """A request has its method before its name, and a websocket or a task its kind."""
    is_named_by_program = kind in _KINDS_THAT_NAMES_TELL
    before = method or ("" if is_named_by_program else kind)
    shown = name or (_NAMELESS if is_named_by_program else _UNFINISHED)
    return f"{before} {shown}" if before else shown


def _lives(tables: Tables, row: int, stacks: int) -> Lives:
    """The lives of the process that stands in this row; of several files, those of one lie
    together.
    """
    allocations, memory = tables("allocations"), tables("memory")
    process_id = int(tables("processes")["process_id"][row])
    rows = _rows_of_process(allocations, process_id)
    span = _span(tables, row)
    runs = _part(tables("gc"), _rows_of_process(tables("gc"), process_id))
    pauses = _pauses(tables("checkpoints"), process_id, span[1])
    work = _work(memory, process_id, span)
    return read_lives(allocations, rows, runs, pauses, work, span, stacks)


def _span(tables: Tables, row: int) -> Span:
    """From when to when the process that stands in this row was watched; to the last that is known
    of one that was killed or runs on.
    """
    processes = tables("processes")
    process_id = int(processes["process_id"][row])
    start_ns, end_ns = int(processes["kept_from_ns"][row]), int(processes["end_ns"][row])
    if end_ns >= 0:
        return start_ns, end_ns
    times = [start_ns]
    for table in (tables("allocations"), tables("memory")):
        part = _rows_of_process(table, process_id)
        for name in ("time_ns", "freed_ns"):
            times.append(int(table[name][part].max(initial=0)) if name in table else 0)
    return start_ns, max(times)


def _part(table: Columns, rows: slice) -> Columns:
    return {name: column[rows] for name, column in table.items()}


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


def _row_of_stack(tables: Tables) -> Array:
    """The row of the frame that each stack is charged to, by the number of the stack; −1: none."""
    stack_sites = tables("stack_sites")
    row_of_stack = np.full(int(stack_sites["stack_id"].max(initial=0)) + 1, -1)
    row_of_frame = _row_of_frame(tables("frames"))
    row_of_stack[stack_sites["stack_id"]] = row_of_frame[stack_sites["program_frame_id"]]
    return row_of_stack


def _row_of_frame(frames: Columns) -> Array:
    """The row of each frame, by its number; −1: there is none."""
    frame_id = frames["frame_id"]
    row_of_frame = np.full(int(frame_id.max(initial=0)) + 1, -1)
    row_of_frame[frame_id] = np.arange(len(frame_id))
    return row_of_frame


def _same_stacks(tables: Tables, count: int) -> Array:
    """A number for each stack, by its own: that of the first which has the same frames, in whatever
    process.
    """
    number = np.arange(count)
    if len(tables("processes")["process_id"]) < 2:
        return number
    stacks, frames = tables("stacks"), tables("frames")
    place = number_places(frames, ("function", "file", "line"))[_row_of_frame(frames)]
    order = np.argsort(stacks["depth"], kind="stable")
    depth = stacks["depth"][order]
    for level in np.split(order, np.flatnonzero(np.diff(depth)) + 1):  # callers come first
        own, parent = stacks["stack_id"][level], stacks["parent_id"][level]
        key = number[parent] * len(place) + place[stacks["frame_id"][level]]
        _, first, same = np.unique(key, return_index=True, return_inverse=True)
        number[own] = own[first[same]]
    return number
