"""Turns the reader's tables into the columns beneath the views."""

from __future__ import annotations

import typing

from memlyze.query.stack_sites import frame_origins, stack_sites
from memlyze.trace.reader import TraceFile, TraceSet

Reader = typing.Union[TraceFile, TraceSet]
Columns = typing.Dict[str, typing.Any]


def open_reader(paths: typing.Sequence[str]) -> Reader:
    """The reader of one or more trace files. Raises MemlyzeError for a file that is not a trace."""
    return TraceFile(paths[0]) if len(paths) == 1 else TraceSet(list(paths))


class Source:
    """The columns of the private tables of an opened trace, made when they are asked for."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._tables: dict[str, Columns] = {}

    def columns(self, table: str) -> Columns:
        """Columns of the private table `table` by name."""
        columns = self._tables.get(table)
        if columns is None:
            columns = self._tables[table] = self._make(table)
        return columns

    def constants(self) -> dict[str, int | float | None]:
        """Values of the columns that the reader leaves out because they are the same in every
        row.
        """
        process_id = self._reader.metadata.get("process_id", 0)
        return {
            "process_id": process_id if isinstance(process_id, int) else 0,
            "weight": 1.0,
        }

    def _make(self, table: str) -> Columns:
        if table == "frames":
            frames = dict(self._reader.table("frames"))
            frames["origin"] = frame_origins(frames)
            return frames
        if table == "stack_sites":
            frames = self.columns("frames")
            return stack_sites(self._reader.table("stacks"), frames, frames["origin"])
        return dict(self._reader.table(table))
