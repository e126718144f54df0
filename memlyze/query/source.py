"""Turns the reader's tables into the columns beneath the views."""

from __future__ import annotations

import functools
import typing

from memlyze.query import raw_tables
from memlyze.query.heap_graph import HeapGraph
from memlyze.query.memory_readings import memory_readings
from memlyze.query.origins import origin_of_given_text, program_packages
from memlyze.query.process_ends import process_ends
from memlyze.query.sampling import sampling_row
from memlyze.query.stack_sites import frame_origins, stack_sites
from memlyze.query.window_sums import window_sums
from memlyze.trace.family import Family, find_family
from memlyze.trace.reader import TraceFile, TraceSet

if typing.TYPE_CHECKING:
    from memlyze.query.leaks.table import JudgedLives

Reader = typing.Union[TraceFile, TraceSet]
Columns = typing.Dict[str, typing.Any]


def open_reader(paths: typing.Sequence[str], *, family: bool) -> Reader:
    """The reader of one or more trace files, and with `family` of those that belong to them.

    Raises TraceError for a file that is not a trace.
    """
    found = find_family(paths) if family else Family(list(paths), [])
    if len(found.paths) == 1 and not found.left_out:
        return TraceFile(found.paths[0])
    return TraceSet(found.paths, left_out=found.left_out)


class Source:
    """The columns of the private tables of an opened trace, made when they are asked for."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._made: dict[str, Columns] = {}
        self._judged_part: tuple[int, int] | None = None
        self._judged_lives: JudgedLives | None = None
        self.heap_graph = HeapGraph(reader)

    def columns(self, table: str) -> Columns:
        """Columns of the private table `table` by name."""
        if table in ("objects", "object_references", "object_roots", "object_tree"):
            return self.heap_graph.columns(table)
        makers: dict[str, typing.Callable[[], Columns]] = {
            "frames": self._frames,
            "memory": self._memory,
            "stack_sites": self._stack_sites,
            "sampling": self._sampling,
            "process_ends": self._process_ends,
            "window_sums": self._window_sums,
        }
        for site, name in raw_tables.LEAKS.items():
            makers[name] = functools.partial(self._leaks, site)
        make = makers.get(table)
        if make is None:
            return self._reader.table(table)
        if table not in self._made:
            self._made[table] = make()
        return self._made[table]

    def is_made(self, table: str) -> bool:
        """Whether the columns of a private table are there already."""
        return table in self._made or self._reader.is_decoded(table)

    def constants(self) -> dict[str, int | float]:
        """Values of the columns that the reader leaves out because they are the same in each
        row.
        """
        process_id = self._reader.table("processes")["process_id"]
        return {"process_id": int(process_id[0]), "weight": 1.0}

    def judge_part(self, part: tuple[int, int] | None) -> None:
        """Let the tables of leaks be of a part of the recording, from its first nanosecond to
        before its last; None: of all.
        """
        self._judged_part = part
        self._judged_lives = None
        for table in raw_tables.LEAKS.values():
            self._made.pop(table, None)

    def go_on(self) -> set[str] | None:
        """Take in what was written since; the names of the tables that have changed.

        None where the trace is to be opened anew.
        """
        changed = self._reader.go_on()
        if changed:
            changed = changed | {*raw_tables.LEAKS.values(), "window_sums"}
            self._judged_lives = None
            if "stacks" in changed:
                changed.add("stack_sites")
            if "metadata" in changed:
                changed.add("sampling")
            if "resident" in changed:
                changed.add("memory")
            if not changed.isdisjoint(("processes", "memory")):
                changed.add("process_ends")
            if "checkpoints" in changed:
                changed.add("object_tree")
                self.heap_graph = HeapGraph(self._reader)
            for table in changed:
                self._made.pop(table, None)
        return changed

    def _frames(self) -> Columns:
        frames = self._reader.table("frames")
        process_ids = self.columns("processes")["process_id"].tolist()
        files = [self._reader] if isinstance(self._reader, TraceFile) else self._reader.files
        given_text = {
            process_id: origin_of_given_text(file.metadata.get("command_line"))
            for process_id, file in zip(process_ids, files)
        }
        packages = {name for file in files for name in program_packages(file.metadata)}
        return {**frames, "origin": frame_origins(frames, given_text, packages)}

    def _memory(self) -> Columns:
        return memory_readings(self._reader.table("memory"), self._reader.table("resident"))

    def _stack_sites(self) -> Columns:
        frames = self.columns("frames")
        return stack_sites(self._reader.table("stacks"), frames, frames["origin"])

    def _sampling(self) -> Columns:
        return sampling_row(self._reader.table("metadata"), self._reader.table("samplings"))

    def _process_ends(self) -> Columns:
        return process_ends(self._reader.table("processes"), self._reader.table("memory"))

    def _leaks(self, site: str) -> Columns:
        from memlyze.query.leaks.part import tables_of_part
        from memlyze.query.leaks.table import JudgedLives

        if self._judged_lives is None:
            part = self._judged_part
            tables = self.columns if part is None else tables_of_part(self.columns, *part)
            self._judged_lives = JudgedLives(tables, self.heap_graph)
        return self._judged_lives.rows(site)

    def _window_sums(self) -> Columns:
        return window_sums(self._reader.table("allocations"), self._reader.table("windows"))
