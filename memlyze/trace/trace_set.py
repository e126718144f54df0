"""`TraceSet`: several traces at once, such as those of a program and its child processes.

What would collide is made unique, so that tables can be joined by their ids alone:

- Ids (`allocation_id`, `stack_id`, `frame_id`, `thread_id`, `window_id`, `sampling_id` and the
  `parent_id`s) of the first file stay as they are. To those of each further file, the greatest id
  of the files before is added. 0 stays 0: none.
- `process_id` is the operating system's. A file whose process id an earlier file has, because one
  process was recorded twice or an id came again, gets 10,000,000 more.
- `parent_process_id` is that of the file of the parent, where that is among them.
- Times count from the start of the file that was started first, by the wall clocks in the metadata;
  −1 stays −1.
"""

from __future__ import annotations

import os
from typing import Any, NamedTuple, Sequence

import numpy as np

from memlyze.errors import TraceError
from memlyze.trace import format as fmt
from memlyze.trace.heap_graph import LostCheckpoints
from memlyze.trace.metadata import metadata_int
from memlyze.trace.placement import Placement
from memlyze.trace.text import metadata_text
from memlyze.trace.trace_file import TraceFile

REPEATED_PROCESS_STEP = 10_000_000

_TIMES = ("time_ns", "freed_ns", "start_ns", "kept_from_ns", "end_ns")
_NO_TIME = -1

# The table that gives out the ids in a column, by column name. Those named parent_id are of the
# table that they stand in.
_ID_TABLES = {
    "allocation_id": "allocations",
    "buffer_allocation_id": "allocations",
    "stack_id": "stacks",
    "frame_id": "frames",
    "thread_id": "threads",
    "window_id": "windows",
    "sampling_id": "samplings",
    "checkpoint_id": "checkpoints",
    "type_id": "object_types",
    "name_id": "object_names",
    "object_id": "objects",
    "first_object_id": "objects",
    "from_id": "objects",
    "to_id": "objects",
}
_PARENT_IDS = {"stacks": "stack_id", "windows": "window_id"}


class _Stated(NamedTuple):
    """What the metadata of the files say of them, by the file's place among them."""

    process_ids: list[int]
    parent_process_ids: list[int]
    time_shifts: list[int]
    """What is added to the times of a file."""


def _stated(metadata: Sequence[dict[str, Any]]) -> _Stated:
    process_ids = _distinct([metadata_int(said, "process_id") for said in metadata])
    starts = [metadata_int(said, "start_time_unix_ns") for said in metadata]
    earliest = min(starts)
    return _Stated(
        process_ids,
        _parent_process_ids(metadata, process_ids),
        [start - earliest if earliest > 0 else 0 for start in starts],
    )


def _distinct(process_ids: Sequence[int]) -> list[int]:
    given: dict[int, None] = {}
    for process_id in process_ids:
        while process_id in given:
            process_id += REPEATED_PROCESS_STEP
        given[process_id] = None
    return list(given)


def _parent_process_ids(
    metadata: Sequence[dict[str, Any]], process_ids: Sequence[int]
) -> list[int]:
    """By the ids of recordings: those of processes come again, and a process that is made by
    another in between, such as a shell, has that for its parent.
    """
    by_recording = {
        metadata_text(said.get("recording_id", "")): process_id
        for said, process_id in zip(metadata, process_ids)
    }
    found = []
    for said in metadata:
        parent = metadata_text(said.get("parent_recording_id", ""))
        told = metadata_int(said, "parent_process_id")
        found.append(by_recording.get(parent, told) if parent else told)
    return found


class TraceSet:
    """Several opened trace files. Use it in a `with` block, or call `close()`."""

    def __init__(
        self,
        paths: Sequence[str | os.PathLike[str]],
        *,
        left_out: Sequence[str] = (),
        memory_limit_bytes: int | None = None,
        temporary_directory: str | None = None,
    ) -> None:
        """Open the files; options and errors as of `TraceFile`.

        `left_out` says what else should be here, one sentence each; it is part of the `damage`.
        """
        if not paths:
            raise TraceError("no trace file was given; pass at least one path")
        self.left_out = list(left_out)
        self._placement = Placement(memory_limit_bytes, temporary_directory)
        self._tables: dict[str, dict[str, Any]] = {}
        self._offsets: dict[str, list[int]] = {}
        self._stated: _Stated | None = None
        self.files: list[TraceFile] = []
        try:
            for path in paths:
                self.files.append(
                    TraceFile(
                        path,
                        memory_limit_bytes=memory_limit_bytes,
                        temporary_directory=temporary_directory,
                    )
                )
        except BaseException:
            self.close()
            raise

    @property
    def paths(self) -> list[str]:
        """The files' paths."""
        return [file.path for file in self.files]

    @property
    def metadata(self) -> dict[str, Any]:
        """What the first file says about itself; the `metadata` table has what each says."""
        return self.files[0].metadata

    @property
    def is_complete(self) -> bool:
        """Whether all recordings ended in order."""
        return all(file.is_complete for file in self.files)

    @property
    def damage(self) -> list[str]:
        """What could not be read, one sentence each, with the name of the file."""
        found = [f"{file.path}: {found}" for file in self.files for found in file.damage]
        return self.left_out + found

    @property
    def is_being_written(self) -> bool:
        """Whether one of the recordings goes on. Then the tables of the files are kept beside the
        joined ones, so that nothing is decoded twice.
        """
        return any(file.is_being_written for file in self.files)

    def go_on(self) -> set[str] | None:
        """`TraceFile.go_on` of all files: only new blocks are decoded, and the tables that have
        changed are joined anew, into new arrays and perhaps with other ids. None also where a file
        was left out, which may be readable now.
        """
        changed: set[str] = set()
        if self.left_out:
            return None
        for file in self.files:
            if file.is_complete and file.is_the_file():
                continue  # its process has ended, and others go on
            of_file = file.go_on()
            if of_file is None:
                return None
            changed |= of_file
        if changed:
            self._stated = None
            changed |= self._tables_with(self._ids_moved())
            for name in changed:
                self._tables.pop(name, None)
        return changed

    def _ids_moved(self) -> set[str]:
        """The tables whose ids are other ones than before, in some file."""
        before = dict(self._offsets)
        self._offsets.clear()
        return {ids for ids, offsets in before.items() if self._offsets_of(ids) != offsets}

    def _tables_with(self, moved: set[str]) -> set[str]:
        """The joined tables that refer to one of these, or are one."""
        names_moved = "object_names" in moved
        return {
            name
            for name, table in self._tables.items()
            if any(self._id_table(name, column) in moved for column in table)
            or (name == "object_references" and names_moved)
        }

    def verify(self) -> list[str]:
        """Read all files, hold every block against its checksum, and return `damage`."""
        for file in self.files:
            file.verify()
        return self.damage

    @property
    def lost_checkpoints(self) -> LostCheckpoints:
        """`TraceFile.lost_checkpoints` of all files, by their ids in the tables."""
        of_files = [file.lost_checkpoints for file in self.files]
        found: set[int] = set()
        if any(lost.checkpoint_ids for lost in of_files):
            for lost, offset in zip(of_files, self._offsets_of("checkpoints")):
                found.update(number + offset for number in lost.checkpoint_ids)
        return LostCheckpoints(frozenset(found), any(lost.has_lost_rows for lost in of_files))

    @property
    def process_ids(self) -> list[int]:
        """The process id of each file in all tables."""
        return list(self._of_files().process_ids)

    def _of_files(self) -> _Stated:
        """Made once: each column of each file asks for it, and there may be thousands of files."""
        if self._stated is None:
            self._stated = _stated([file.metadata for file in self.files])
        return self._stated

    def is_decoded(self, name: str) -> bool:
        """Whether a table is there already, joined."""
        return name in self._tables

    def table(self, name: str) -> dict[str, Any]:
        """The rows of all files, in the order of the files, with their `process_id`.

        Types are those of `TraceFile.table`, except that ids are int64 where 31 bits do not hold
        them.
        """
        if name not in self._tables:
            self._tables[name] = self._join(name, [file.table(name) for file in self.files])
        return self._tables[name]

    def _join(self, name: str, parts: list[dict[str, Any]]) -> dict[str, Any]:
        columns = list(dict.fromkeys(column for part in parts for column in part))
        if "process_id" not in columns:
            columns.append("process_id")
        counts = [len(next(iter(part.values()))) for part in parts]
        starts = np.concatenate([[0], np.cumsum(counts)]).tolist()
        dtypes = {column: self._dtype(name, column, parts) for column in columns}
        row_bytes = sum(dtype.itemsize for dtype in dtypes.values())
        fits = self._placement.fits_memory(row_bytes * starts[-1])
        joined = {
            # Objects live in memory, wherever the others are.
            column: self._placement.column(starts[-1], dtype, in_memory=fits or dtype.kind == "O")
            for column, dtype in dtypes.items()
        }
        keeps_parts = self.is_being_written
        for number, part in enumerate(parts):
            for column, values in joined.items():
                here = values[starts[number] : starts[number + 1]]
                self._fill(here, name, column, number, part)
            if not keeps_parts:
                self.files[number].release(name)
        return joined

    def _dtype(self, name: str, column: str, parts: list[dict[str, Any]]) -> Any:
        if column == "process_id":
            return np.dtype(np.int64)
        dtype = np.result_type(*(part[column].dtype for part in parts if column in part))
        ids = self._id_table(name, column)
        if ids is not None and dtype == np.int32:
            greatest = max(
                offset + int(part[column].max(initial=0))
                for offset, part in zip(self._offsets_of(ids), parts)
            )
            if greatest > fmt.ID_MAX:
                return np.dtype(np.int64)
        return np.dtype(dtype)

    def _fill(self, here: Any, name: str, column: str, number: int, part: dict[str, Any]) -> None:
        """Write one file's values of a column."""
        if column == "process_id":
            here[:] = self._of_files().process_ids[number]
            return
        if column == "parent_process_id":
            here[:] = self._of_files().parent_process_ids[number]
            return
        if column not in part:
            here[:] = 1  # the weights of a file that leaves none out
            return
        here[:] = part[column]
        ids = self._id_table(name, column)
        if name == "object_references" and column == "number":
            named = np.isin(part["how"], fmt.HOWS_WITH_NAME) & (here != 0)
            here[named] += self._offsets_of("object_names")[number]
        elif ids is not None:
            offset = self._offsets_of(ids)[number]
            if offset:
                here[here != 0] += offset
        elif column in _TIMES:
            shift = self._of_files().time_shifts[number]
            if shift:
                here[here != _NO_TIME] += shift

    def _id_table(self, name: str, column: str) -> str | None:
        return _ID_TABLES.get(_PARENT_IDS.get(name, "") if column == "parent_id" else column)

    def _offsets_of(self, ids: str) -> list[int]:
        """What is added to the ids that a table gives out, for each file."""
        if ids not in self._offsets:
            column = next(column for column, table in _ID_TABLES.items() if table == ids)
            offsets = [0]
            for file in self.files[:-1]:
                offsets.append(offsets[-1] + int(file.table(ids)[column].max(initial=0)))
            self._offsets[ids] = offsets
        return self._offsets[ids]

    def close(self) -> None:
        """Close the files and let go of the tables; arrays that were handed out stay valid."""
        self._tables.clear()
        for file in self.files:
            file.close()

    def __enter__(self) -> TraceSet:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<TraceSet {', '.join(self.paths)}>"
