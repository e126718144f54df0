"""`TraceFile`: one trace, its metadata, what is wrong with it, and its tables as numpy columns.

A table is decoded when it is first asked for, and only the block types that it is made of. See
`docs/format-spec.md` for what the columns mean; `TraceFile.table` says how they are typed.
"""

from __future__ import annotations

import contextlib
import functools
import os
import stat
import threading
from typing import Any, Callable, NamedTuple

from memlyze.errors import TraceError, TraceNotFoundError
from memlyze.trace import format as fmt
from memlyze.trace import heap_graph, tables
from memlyze.trace.allocations import AllocationDecoding, Allocations
from memlyze.trace.blocks import FileBytes, Layout, find_blocks, header_metadata
from memlyze.trace.damage import Damage
from memlyze.trace.metadata import metadata_int
from memlyze.trace.parts import EarlierPart, find_earlier_part
from memlyze.trace.placement import Placement
from memlyze.trace.source import BlockSource
from memlyze.trace.stacks import Stacks
from memlyze.trace.text import parse_json
from memlyze.trace.writing import is_being_written

TABLE_NAMES = (
    "allocations",
    "frees",
    "frames",
    "stacks",
    "stack_frames",
    "threads",
    "processes",
    "memory",
    "resident",
    "gc",
    "windows",
    "samplings",
    "metadata",
    "sources",
    *heap_graph.MAKERS,
)


# What is made of the blocks of a type. Those of a heap graph make all of its tables.
_TABLES_OF: dict[int, tuple[str, ...]] = {
    fmt.EVENTS: ("allocations", "frees"),
    fmt.CARRIED: ("allocations", "frees"),
    fmt.CODES: ("frames", "stacks", "stack_frames"),
    fmt.STACKS: ("frames", "stacks", "stack_frames"),
    fmt.THREADS: ("threads",),
    fmt.METADATA: ("metadata", "processes"),
    fmt.MEMORY: ("memory",),
    fmt.RESIDENT: ("resident",),
    fmt.GC: ("gc",),
    fmt.WINDOWS: ("windows",),
    fmt.SOURCES: ("sources",),
    **dict.fromkeys(
        (
            fmt.CHECKPOINTS,
            fmt.OBJECT_TYPES,
            fmt.OBJECTS,
            fmt.OBJECT_REFERENCES,
            fmt.OBJECT_NAMES,
            fmt.OBJECT_TEXTS,
            fmt.OBJECT_ROOTS,
        ),
        tuple(heap_graph.MAKERS),
    ),
}


class BlockCounts(NamedTuple):
    """What the headers say of all blocks of a type."""

    blocks: int
    rows: int
    stored_bytes: int
    """In the file, headers included."""
    raw_bytes: int
    """Of the payloads, once decompressed."""
    first_time_ns: int
    last_time_ns: int


class TraceFile:
    """One opened trace file. Use it in a `with` block, or call `close()`.

    A file that is still being written can be read: what stood in it when it was opened is shown.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        memory_limit_bytes: int | None = None,
        temporary_directory: str | None = None,
    ) -> None:
        """Open a trace and find its blocks; decode nothing yet.

        A table that takes more than `memory_limit_bytes` (default: half of the memory that is
        available) is put into unlinked files in `temporary_directory` (default: `TMPDIR`, or
        /var/tmp).

        Raises TraceNotFoundError, TraceFormatError and TraceVersionError.
        """
        self.path = os.fspath(path)
        self._placement = Placement(memory_limit_bytes, temporary_directory)
        self._lock = threading.RLock()
        self._tables: dict[str, dict[str, Any]] = {}
        self._stacks: Stacks | None = None
        self._metadata: dict[str, Any] | None = None
        self._decoding: AllocationDecoding | None = None
        self._allocations: Allocations | None = None
        self._descriptor = _open(self.path)
        self._earlier: EarlierPart | None = None
        try:
            while not self._open():
                os.close(self._descriptor)
                self._descriptor = _open(self.path)
        except BaseException:
            self.close()
            raise

    def _open(self) -> bool:
        """Read what the file is made of. False: meanwhile the recording has begun a next part."""
        file = FileBytes(self._descriptor, self.path)
        damage = Damage()
        text, start = header_metadata(file, self.path)
        self._header_metadata: dict[str, Any] = {}
        try:
            found = parse_json(text.decode("utf-8")) if text is not None else None
        except ValueError:
            found = None
        if isinstance(found, dict):
            self._header_metadata = found
        else:
            damage.note("header", "the metadata at the start of the file is damaged")
        layout = find_blocks(file, start, is_start_known=text is not None)
        self.is_being_written = self._is_being_written(layout)
        damage.note_layout(layout, is_growing=self.is_being_written)
        self.file_bytes = file.size()
        self._earlier, has_moved_on = find_earlier_part(self.path, self._header_metadata)
        if has_moved_on:
            return False
        if self._earlier is None:
            self._source = BlockSource(file, layout, damage)
            return True
        damage.note_layout(self._earlier.layout, "in the earlier part, ")
        self.file_bytes += self._earlier.file.size()
        self._source = BlockSource(file, layout, damage, (self._earlier.file, self._earlier.layout))
        return True

    def _is_being_written(self, layout: Layout) -> bool:
        return not layout.is_complete and is_being_written(self._descriptor, self._header_metadata)

    def go_on(self) -> set[str] | None:
        """Take in what was written since the file was opened, or since this was called last: only
        new blocks are decoded. Returns the names of the tables that have changed.

        The arrays that were handed out stay as they are, but for `freed_ns` of allocations, where
        the frees that are new appear. None: the file is not the one that was opened any more, or
        cannot be gone on with; close it, and open it anew.
        """
        with self._lock:
            self._check_open()
            if not self.is_the_file():
                return None
            samplings = self._source.rows(fmt.SAMPLINGS)
            new = self._source.go_on()
            if new is None or self._source.rows(fmt.SAMPLINGS) != samplings:
                return None  # weights may be needed where there were none
            layout = self._source.layout
            self.is_being_written = self._is_being_written(layout)
            self._source.damage.note_layout(layout, is_growing=self.is_being_written)
            self.file_bytes = os.fstat(self._descriptor).st_size
            if self._earlier is not None:
                self.file_bytes += self._earlier.file.size()
            try:
                return self._take(new)
            except TraceError:
                return None

    def _take(self, new: set[int]) -> set[str]:
        """Decode the new blocks of tables that are there."""
        changed = {table for block_type in new for table in _TABLES_OF.get(block_type, ())}
        allocations = self._tables.get("allocations")
        for name in changed:
            self._tables.pop(name, None)
        if fmt.METADATA in new:
            self._metadata = None
        if self._stacks is not None and not new.isdisjoint((fmt.CODES, fmt.STACKS)):
            self._stacks.go_on()
        if allocations is not None and "allocations" in changed:
            self._tables["allocations"] = self._make_allocations()
        if not self.is_being_written:
            self._decoding = None
        return changed

    def is_the_file(self) -> bool:
        """Whether the name still leads to what was opened: a trace may begin a next part."""
        try:
            found, opened = os.stat(self.path), os.fstat(self._descriptor)
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == (opened.st_dev, opened.st_ino)

    @property
    def metadata(self) -> dict[str, Any]:
        """What the trace says about itself, by key: see "Metadata keys" in the format."""
        with self._lock:
            if self._metadata is None:
                self._check_open()
                self._metadata = tables.metadata(self._source, self._header_metadata)
                if self._earlier is not None:
                    self._metadata.update(self._earlier.begin)
            return self._metadata

    @property
    def is_complete(self) -> bool:
        """Whether recording ended in order. False: the process was killed, or still records."""
        return self._source.layout.is_complete

    @property
    def damage(self) -> list[str]:
        """What could not be read, one sentence each; empty where nothing is known to be missing.

        Finds what opening the file and the tables decoded so far have shown; `verify` looks at all.
        """
        return self._source.damage.sentences(self._source.rows)

    @property
    def block_counts(self) -> dict[str, BlockCounts]:
        """Blocks, rows, bytes and times by block type, from the headers: nothing is decoded."""
        self._check_open()
        counts = {}
        for block_type in sorted({block.block_type for block in self._source.layout.blocks}):
            blocks = self._source.blocks(block_type)
            counts[fmt.BLOCK_TYPE_NAMES.get(block_type, f"type {block_type}")] = BlockCounts(
                len(blocks),
                self._source.rows(block_type),
                sum(block.stored_bytes for block in blocks),
                sum(self._source.raw_bytes(block) for block in blocks),
                min(block.first_time_ns for block in blocks),
                max(block.last_time_ns for block in blocks),
            )
        return counts

    @property
    def event_count(self) -> int:
        """Allocations and frees in the file, from the headers: nothing is decoded."""
        return self._source.rows(fmt.EVENTS)

    @property
    def events_decoded(self) -> int:
        """How many of them are decoded, to be watched from another thread while that goes on."""
        return self._source.rows_shown.get(fmt.EVENTS, 0)

    @property
    def last_time_ns(self) -> int:
        """The latest time that a block's header names."""
        return max((block.last_time_ns for block in self._source.layout.blocks), default=0)

    @property
    def allocation_statistics(self) -> Allocations:
        """The decoded allocations with the counts of frees."""
        self.table("allocations")
        assert self._allocations is not None
        return self._allocations

    def table(self, name: str) -> dict[str, Any]:
        """A table as a dict of numpy arrays of one length, decoded when first asked for.

        All arrays are contiguous, native-endian and one-dimensional. Ids are int32
        (`allocation_id`: int64) and 0 where there is none, times int64 and −1 where there is none
        (`freed_ns`, `end_ns`), `allocator` and `generation` uint8, texts object arrays of str
        without lone surrogates. `size` is int64 where an allocation takes 2 GiB or more, else
        int32. `weight` is left out where every weight is 1.

        The rows of `frees` are those of `allocations`: `made_between` (float64) is how many
        allocations the thread that made one made until it freed it, and −1 where it did not.

        Raises TraceError for an unknown name, and where there is no room for the columns.
        """
        with self._lock:
            if name not in self._tables:
                self._check_open()
                make = self._makers().get(name)
                if make is None:
                    known = ", ".join(TABLE_NAMES)
                    raise TraceError(f"there is no table {name!r}; the tables are {known}")
                self._tables[name] = make()
            return self._tables[name]

    def is_decoded(self, name: str) -> bool:
        """Whether a table is there already."""
        return name in self._tables

    def release(self, name: str) -> None:
        """Forget a decoded table: it is decoded again when it is asked for again."""
        with self._lock:
            self._tables.pop(name, None)
            if name == "allocations":
                self._allocations = self._decoding = None

    def verify(self) -> list[str]:
        """Hold every block against its checksum that was not decoded yet, and return `damage`."""
        with self._lock:
            self._check_open()
            for block in self._source.layout.blocks:
                self._source.is_sound(block)
            return self.damage

    @property
    def lost_checkpoints(self) -> heap_graph.LostCheckpoints:
        """The checkpoints of which something is lost, so that who holds what is not known."""
        with self._lock:
            self._check_open()
            return heap_graph.lost_checkpoints(self._source)

    def _makers(self) -> dict[str, Callable[[], dict[str, Any]]]:
        source = self._source
        return {
            "allocations": self._make_allocations,
            "frees": self._make_frees,
            "frames": lambda: self._merged_stacks().frames(self.metadata),
            "stacks": lambda: self._merged_stacks().stacks(),
            "stack_frames": lambda: self._merged_stacks().stack_frames(self._placement),
            "threads": lambda: tables.threads(source),
            "processes": lambda: tables.processes(self.metadata, self.path),
            "memory": lambda: tables.memory(source),
            "resident": lambda: tables.resident(source),
            "gc": lambda: tables.gc_runs(source),
            "windows": lambda: tables.windows(source),
            "samplings": lambda: tables.samplings(source),
            "sources": lambda: tables.sources(source),
            "metadata": lambda: tables.metadata_table(self.metadata),
            **{name: functools.partial(make, source) for name, make in heap_graph.MAKERS.items()},
        }

    def _make_allocations(self) -> dict[str, Any]:
        if self._decoding is None:
            self._decoding = self._begin_decoding(is_growing=self.is_being_written)
        self._allocations = self._decoding.decode(self._blocks_left_out())
        if not self.is_being_written:
            self._decoding = None  # what it knows for going on takes memory
        return self._allocations.columns

    def _make_frees(self) -> dict[str, Any]:
        # Of the columns, these two alone are kept: the others are, or will be, in `allocations`.
        decoding = self._begin_decoding(is_counting=True)
        columns = decoding.decode(self._blocks_left_out()).columns
        return {name: columns[name] for name in ("allocation_id", "made_between")}

    def _begin_decoding(
        self, *, is_counting: bool = False, is_growing: bool = False
    ) -> AllocationDecoding:
        return AllocationDecoding(
            self._source,
            self.table("samplings"),
            self._merged_stacks(),
            self._placement,
            is_counting=is_counting,
            is_growing=is_growing,
        )

    def _blocks_left_out(self) -> int:
        return metadata_int(self.metadata, "blocks_not_carried")

    def _merged_stacks(self) -> Stacks:
        if self._stacks is None:
            self._stacks = Stacks(self._source)
        return self._stacks

    def _check_open(self) -> None:
        if self._descriptor < 0:
            raise TraceError(f"{self.path!r} is closed; open it again")

    def close(self) -> None:
        """Close the file and let go of the tables; arrays that were handed out stay valid."""
        with self._lock:
            self._tables.clear()
            self._stacks = self._allocations = self._decoding = None
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1
            if self._earlier is not None:
                os.close(self._earlier.descriptor)
                self._earlier = None

    def __enter__(self) -> TraceFile:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __del__(self) -> None:
        with contextlib.suppress(AttributeError, OSError):
            self.close()

    def __repr__(self) -> str:
        return f"<TraceFile {self.path!r}>"


def _open(path: str) -> int:
    """A descriptor of a regular file. Raises TraceNotFoundError."""
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            raise TraceNotFoundError(
                f"{path!r} is a directory; pass the trace files in it, such as {path}/*.mlyze"
            )
        if not stat.S_ISREG(mode):
            raise TraceNotFoundError(
                f"{path!r} is not a regular file; a trace is read at many places, so save it first"
            )
        return os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    except FileNotFoundError:
        raise TraceNotFoundError(
            f"there is no file {path!r}; check the name, or record a trace with `memlyze record`"
        ) from None
    except PermissionError:
        raise TraceNotFoundError(
            f"reading {path!r} is not permitted; change its mode, or read it as its owner"
        ) from None
    except (OSError, ValueError) as error:
        raise TraceNotFoundError(f"cannot open {path!r}: {error}") from error
