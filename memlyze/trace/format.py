"""The constants, structures and column schemas of the trace format: see `docs/format-spec.md`.

Nothing in here reads or writes anything: both decoders and the tests' encoder share these
definitions, and nothing else.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

FORMAT_VERSION = 1

FILE_MAGIC = b"\x89MLYZE\r\n"
FILE_HEADER = struct.Struct("<8sHHII")
"""magic, version, reserved, metadata_bytes, metadata_crc32"""
MAX_METADATA_BYTES = 1 << 20

BLOCK_MAGIC = b"MLBK"
BLOCK_HEADER = struct.Struct("<4sBBHIIIIqqII")
"""magic, block_type, codec, column_count, sequence, row_count, payload_bytes, raw_bytes,
first_time_ns, last_time_ns, payload_crc32, header_crc32"""
BLOCK_HEADER_CHECKED_BYTES = 44
MAX_PAYLOAD_BYTES = 16 << 20

TRAILER = struct.Struct("<QI4s")
"""offset of the index block, CRC-32 of those 8 bytes, magic"""
TRAILER_CHECKED_BYTES = 8
TRAILER_MAGIC = b"MLZE"

COLUMN_ENTRY = struct.Struct("<BBI")
"""column number, encoding, bytes"""

CODEC_STORED = 0
CODEC_ZSTD = 1

U8 = 0
UVARINT = 1
SVARINT = 2
DELTA = 3
BYTES = 4
F64 = 5

EVENTS = 1
CODES = 2
STACKS = 3
THREADS = 4
MEMORY = 5
GC = 6
WINDOWS = 7
METADATA = 8
INDEX = 9
SAMPLINGS = 10
RESIDENT = 11
CHECKPOINTS = 12
OBJECT_TYPES = 13
OBJECTS = 14
OBJECT_REFERENCES = 15
OBJECT_NAMES = 16
OBJECT_TEXTS = 17
OBJECT_ROOTS = 18
CARRIED = 19
SOURCES = 20

BLOCK_TYPE_NAMES: dict[int, str] = {
    EVENTS: "events",
    CODES: "codes",
    STACKS: "stacks",
    THREADS: "threads",
    MEMORY: "memory",
    GC: "gc",
    WINDOWS: "windows",
    METADATA: "metadata",
    INDEX: "index",
    SAMPLINGS: "samplings",
    RESIDENT: "resident",
    CHECKPOINTS: "checkpoints",
    OBJECT_TYPES: "object_types",
    OBJECTS: "objects",
    OBJECT_REFERENCES: "object_references",
    OBJECT_NAMES: "object_names",
    OBJECT_TEXTS: "object_texts",
    OBJECT_ROOTS: "object_roots",
    CARRIED: "carried",
    SOURCES: "sources",
}

ALLOCATOR_NAMES: tuple[str, ...] = (
    "raw",
    "mem",
    "object",
    "malloc",
    "mmap",
    "mmap_file",
    "mmap_reserve",
)
LANGUAGE_NAMES: tuple[str, ...] = ("python", "native")

RESIDENT_CATEGORY_NAMES: tuple[str, ...] = (
    "unexplained",
    "python_objects",
    "pymalloc_free",
    "malloc_live",
    "malloc_free",
    "thread_stacks",
    "code",
    "library_data",
    "mapped_files",
    "shared_memory",
    "no_access",
    "tracer",
    "python_frames",
)

HOW_OTHER = 0
HOW_ATTRIBUTE = 1
HOW_KEY = 2
HOW_VALUE = 3
HOW_ITEM = 4
HOW_LOCAL = 5
HOW_MEMBER = 6
HOW_NAMES: tuple[str, ...] = ("other", "attribute", "key", "value", "item", "local", "member")

HOWS_WITH_NAME = (HOW_ATTRIBUTE, HOW_VALUE, HOW_LOCAL)
"""Of these the number of a reference is the id of a name, or 0; of an item it is its index."""

ROOT_MODULE = 0
ROOT_LOCAL = 1
ROOT_GLOBALS = 2
ROOT_THREAD = 3
ROOT_NAMES: tuple[str, ...] = ("module", "local", "globals", "thread")

LINE_TABLE_NONE = 0
LINE_TABLE_LNOTAB = 1
LINE_TABLE_PEP_626 = 2
LINE_TABLE_LOCATIONS = 3

TRUNCATED_CODE_ID = 1
"""The synthetic function `<truncated>`: the frames below are unknown."""

ID_MAX = (1 << 31) - 1
INT32_MIN = -(1 << 31)
INT64_MIN = -(1 << 63)
INT64_MAX = (1 << 63) - 1


class Column(NamedTuple):
    """One column of a block type: its number is its place in the tuple of its block type."""

    name: str
    encoding: int
    """How the recorder writes it. Readers take any integer encoding for an integer column."""
    low: int = INT64_MIN
    high: int = INT64_MAX
    """Values outside [low, high] make the block corrupt."""
    per: str = "row"
    """What it has one value of; in `events` blocks "run", "event", "allocation" or "free"."""
    absent: int | bytes | None = None
    """What each row of a block without this column has; None: such a block is corrupt."""


def decoded_as(column: Column) -> tuple[int, int, int, int | bytes | None]:
    """A column as `_decoder.decode_columns` wants it."""
    return column.encoding, column.low, column.high, column.absent


def _identifier(name: str, per: str = "row") -> Column:
    return Column(name, DELTA, 0, ID_MAX, per)


COLUMNS: dict[int, tuple[Column, ...]] = {
    EVENTS: (
        _identifier("thread_id", "run"),
        Column("time_ns", DELTA, per="run"),
        _identifier("window_id", "run"),
        _identifier("sampling_id", "run"),
        Column("first_allocation_id", DELTA, 0, INT64_MAX, "run"),
        Column("event_count", UVARINT, 1, INT64_MAX, "run"),
        Column("size_code", UVARINT, 0, INT64_MAX, "event"),
        Column("allocator", U8, 0, 255, "allocation"),
        _identifier("stack_id", "allocation"),
        Column("freed", DELTA, per="free"),
    ),
    CODES: (
        _identifier("code_id"),
        Column("function", BYTES),
        Column("file", BYTES),
        Column("first_line", UVARINT, 0, ID_MAX),
        Column("line_table_kind", U8, 0, 255),
        Column("line_table", BYTES),
        Column("language", U8, 0, 255),
    ),
    STACKS: (
        _identifier("stack_id"),
        _identifier("parent_id"),
        _identifier("code_id"),
        Column("instruction", DELTA, INT32_MIN, ID_MAX),
    ),
    THREADS: (
        _identifier("thread_id"),
        Column("os_thread_id", UVARINT),
        Column("name", BYTES),
        Column("start_ns", UVARINT),
        Column("end_ns", SVARINT),
    ),
    MEMORY: (
        Column("time_ns", DELTA),
        Column("rss", DELTA),
        Column("heap_live", DELTA),
        Column("heap_live_count", DELTA),
        Column("tracer_bytes", DELTA),
        Column("cpu_us", DELTA, INT64_MIN, INT64_MAX, absent=-1),
        Column("waits", DELTA, INT64_MIN, INT64_MAX, absent=-1),
    ),
    GC: (
        Column("time_ns", DELTA),
        Column("duration_ns", UVARINT),
        Column("generation", U8, 0, 255),
        Column("collected", UVARINT),
        Column("uncollectable", UVARINT),
        _identifier("thread_id"),
        Column("window_id", DELTA, 0, ID_MAX, absent=0),
    ),
    WINDOWS: (
        _identifier("window_id"),
        _identifier("parent_id"),
        Column("kind", BYTES),
        Column("name", BYTES),
        Column("start_ns", DELTA),
        Column("end_ns", SVARINT),
        _identifier("thread_id"),
        Column("attributes", BYTES),
        Column("method", BYTES, absent=b""),
        Column("status", UVARINT, 0, ID_MAX, absent=0),
        Column("first_byte_after_ns", SVARINT, -1, INT64_MAX, absent=-1),
    ),
    METADATA: (
        Column("key", BYTES),
        Column("value", BYTES),
    ),
    INDEX: (
        Column("offset", DELTA, 0, INT64_MAX),
        Column("block_type", U8, 0, 255),
        Column("row_count", UVARINT, 0, MAX_PAYLOAD_BYTES),
        Column("first_time_ns", DELTA),
        Column("last_time_ns", DELTA),
    ),
    SAMPLINGS: (
        _identifier("sampling_id"),
        Column("interval_bytes", F64),
        Column("rate", F64),
        Column("surcharge_bytes", F64),
    ),
    RESIDENT: (
        Column("time_ns", DELTA),
        Column("category", U8, 0, 255),
        Column("path", BYTES),
        Column("mapping_count", UVARINT, 0),
        Column("reserved_bytes", UVARINT, 0),
        Column("resident_bytes", UVARINT, 0),
    ),
    CHECKPOINTS: (
        _identifier("checkpoint_id"),
        Column("time_ns", DELTA),
        Column("reason", BYTES),
        Column("pause_ns", UVARINT, 0),
        _identifier("first_object_id"),
        Column("object_count", UVARINT, 0, ID_MAX),
        Column("reference_count", UVARINT, 0),
        Column("memory_bytes", UVARINT, 0),
    ),
    OBJECT_TYPES: (
        _identifier("type_id"),
        Column("name", BYTES),
        Column("module", BYTES),
        _identifier("object_id"),
        Column("is_referred", U8, 0, 255),
    ),
    OBJECTS: (
        _identifier("object_id"),
        Column("type_id", UVARINT, 0, ID_MAX),
        Column("size", UVARINT, 0),
        Column("length", SVARINT, -1),
        Column("address", DELTA),
        Column("unseen_references", UVARINT, 0, ID_MAX),
        Column("allocation_id", DELTA, 0, INT64_MAX),
        Column("buffer_allocation_id", DELTA, 0, INT64_MAX),
    ),
    OBJECT_REFERENCES: (
        _identifier("from_id"),
        _identifier("to_id"),
        Column("how", U8, 0, 255),
        Column("number", UVARINT, 0, ID_MAX),
    ),
    OBJECT_NAMES: (
        _identifier("name_id"),
        Column("name", BYTES),
    ),
    OBJECT_TEXTS: (
        _identifier("object_id"),
        Column("text", BYTES),
    ),
    OBJECT_ROOTS: (
        _identifier("object_id"),
        Column("kind", U8, 0, 255),
        Column("name", BYTES),
        Column("function", BYTES),
        Column("file", BYTES),
        Column("line", UVARINT, 0, ID_MAX),
        Column("os_thread_id", UVARINT),
    ),
    CARRIED: (
        Column("allocation_id", DELTA, 0, INT64_MAX - 1),
        Column("time_ns", DELTA),
        _identifier("thread_id"),
        _identifier("window_id"),
        _identifier("sampling_id"),
        Column("size", UVARINT, 0, INT64_MAX),
        Column("allocator", U8, 0, 255),
        _identifier("stack_id"),
    ),
    SOURCES: (
        Column("file", BYTES),
        Column("modified_unix_ns", SVARINT),
        Column("size", UVARINT, 0),
        Column("crc32", UVARINT, 0),
        Column("text", BYTES),
        Column("left_out", BYTES),
    ),
}
