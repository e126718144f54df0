"""Writes valid traces from Python rows, for tests only: real ones come from the recorder.

    trace = TraceEncoder({"process_id": 7})
    trace.add("codes", [{"code_id": 2, "function": "main", "file": "app.py", "first_line": 1}])
    trace.add("stacks", [{"stack_id": 1, "parent_id": 0, "code_id": 2, "instruction": 0}])
    trace.add_runs([Run(1, time_ns=5, first_allocation_id=65536, events=[Allocation(64)])])
    trace.write(path)

Rows are dicts by column name; missing integers are 0 (`end_ns`: -1), missing texts empty. Columns
of numpy arrays are taken by `add_columns`, which is quick enough for traces of millions of events
(see `synthetic_trace.py`).
"""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path
from typing import Any, Iterable, Mapping, NamedTuple, Sequence

import numpy as np

from memlyze.trace import format as fmt

TYPE_NUMBERS = {name: number for number, name in fmt.BLOCK_TYPE_NAMES.items()}
TIME_COLUMNS = ("time_ns", "start_ns")
EXACT_SAMPLING = {"sampling_id": 1, "interval_bytes": 0.0, "rate": 1.0, "surcharge_bytes": 0.0}


def compress(raw: bytes) -> bytes:
    """One zstd frame, by the standard library where it can, else by the `zstandard` package."""
    try:
        from compression import zstd  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        import zstandard

        return zstandard.ZstdCompressor(level=1).compress(raw)
    return bytes(zstd.compress(raw, level=1))


class Allocation(NamedTuple):
    """An allocation in a `Run`."""

    size: int
    stack_id: int = 0
    allocator: int = 2


class Free(NamedTuple):
    """A free in a `Run`, of the allocation with this id."""

    allocation_id: int


class Run(NamedTuple):
    """Consecutive events of one thread at one moment."""

    thread_id: int
    time_ns: int
    first_allocation_id: int
    events: Sequence[Allocation | Free]
    window_id: int = 0
    sampling_id: int = 1


def encode_uvarints(values: Any) -> bytes:
    """LEB128 of unsigned 64-bit values."""
    numbers = np.asarray(values, dtype=np.uint64)
    if len(numbers) == 0:
        return b""
    lengths = np.ones(len(numbers), dtype=np.int64)
    for bits in range(7, 64, 7):
        lengths += numbers >= np.uint64(1 << bits)
    ends = np.cumsum(lengths)
    starts = ends - lengths
    out = np.empty(int(ends[-1]), dtype=np.uint8)
    for k in range(int(lengths.max())):
        rows = np.nonzero(lengths > k)[0] if k else slice(None)
        part = (numbers[rows] >> np.uint64(7 * k)).astype(np.uint8) & np.uint8(0x7F)
        part |= np.where(lengths[rows] > k + 1, np.uint8(0x80), np.uint8(0))
        out[starts[rows] + k] = part
    return out.tobytes()


def encode_svarints(values: Any) -> bytes:
    """LEB128 of the zigzag form of signed 64-bit values."""
    numbers = np.asarray(values, dtype=np.int64)
    return encode_uvarints(((numbers << 1) ^ (numbers >> 63)).view(np.uint64))


def encode_column(values: Any, encoding: int) -> bytes:
    """The bytes of one column."""
    if encoding == fmt.BYTES:
        out = []
        for value in values:
            data = (
                value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
            )
            out.append(encode_uvarints([len(data)]) + data)
        return b"".join(out)
    if encoding == fmt.F64:
        return struct.pack(f"<{len(values)}d", *values)
    if encoding == fmt.U8:
        return np.asarray(values, dtype=np.uint8).tobytes()
    if encoding == fmt.UVARINT:
        return encode_uvarints(values)
    numbers = np.asarray(values, dtype=np.int64)
    if encoding == fmt.DELTA:
        numbers = np.diff(numbers.view(np.uint64), prepend=np.uint64(0)).view(np.int64)
    return encode_svarints(numbers)


def pack_payload(columns: Iterable[tuple[int, int, bytes]]) -> bytes:
    """A raw payload of (column number, encoding, bytes)."""
    listed = list(columns)
    directory = b"".join(
        fmt.COLUMN_ENTRY.pack(n, encoding, len(data)) for n, encoding, data in listed
    )
    return directory + b"".join(data for _, _, data in listed)


def pack_block(
    block_type: int,
    raw: bytes,
    *,
    column_count: int,
    sequence: int,
    row_count: int,
    first_time_ns: int = 0,
    last_time_ns: int = 0,
    codec: int = fmt.CODEC_ZSTD,
    raw_bytes: int | None = None,
    payload: bytes | None = None,
) -> bytes:
    """A block with correct checksums. `raw_bytes` and `payload` may lie, to test readers."""
    stored = payload if payload is not None else (compress(raw) if codec == fmt.CODEC_ZSTD else raw)
    header = fmt.BLOCK_HEADER.pack(
        fmt.BLOCK_MAGIC,
        block_type,
        codec,
        column_count,
        sequence,
        row_count,
        len(stored),
        len(raw) if raw_bytes is None else raw_bytes,
        first_time_ns,
        last_time_ns,
        zlib.crc32(stored),
        0,
    )[: fmt.BLOCK_HEADER_CHECKED_BYTES]
    return header + struct.pack("<I", zlib.crc32(header)) + stored


def pack_file_header(metadata: Mapping[str, Any], version: int = fmt.FORMAT_VERSION) -> bytes:
    """The file header with its metadata."""
    text = json.dumps(metadata).encode()
    return fmt.FILE_HEADER.pack(fmt.FILE_MAGIC, version, 0, len(text), zlib.crc32(text)) + text


class TraceEncoder:
    """Collects blocks; `to_bytes` gives the file."""

    def __init__(
        self,
        metadata: Mapping[str, Any] | None = None,
        *,
        codec: int = fmt.CODEC_ZSTD,
        samplings: Sequence[Mapping[str, Any]] = (EXACT_SAMPLING,),
    ) -> None:
        """Start with a `samplings` block (by default one row: sampling 1 records everything)."""
        self.codec = codec
        self._parts: list[bytes] = [pack_file_header(metadata or {})]
        self._bytes = len(self._parts[0])
        self._index: list[dict[str, int]] = []
        self._indexed = 0
        """Rows of `_index` that an index block lists already."""
        if samplings:
            self.add("samplings", samplings)

    def add(
        self,
        block_type: str,
        rows: Sequence[Mapping[str, Any]],
        *,
        encodings: Mapping[str, int] | None = None,
    ) -> None:
        """Add one block of any type but `events`."""
        columns: dict[str, Any] = {}
        for column in fmt.COLUMNS[TYPE_NUMBERS[block_type]]:
            default: Any = (
                b"" if column.encoding == fmt.BYTES else -1 if column.name == "end_ns" else 0
            )
            if column.absent is not None:
                default = column.absent
            columns[column.name] = [row.get(column.name, default) for row in rows]
        self.add_columns(block_type, columns, row_count=len(rows), encodings=encodings)

    def add_runs(self, runs: Sequence[Run], *, encodings: Mapping[str, int] | None = None) -> None:
        """Add one `events` block."""
        columns: dict[str, list[int]] = {c.name: [] for c in fmt.COLUMNS[fmt.EVENTS]}
        for run in runs:
            for name in ("thread_id", "time_ns", "window_id", "sampling_id", "first_allocation_id"):
                columns[name].append(getattr(run, name))
            columns["event_count"].append(len(run.events))
            next_id = run.first_allocation_id
            for event in run.events:
                if isinstance(event, Free):
                    columns["size_code"].append(0)
                    columns["freed"].append(next_id - event.allocation_id)
                else:
                    columns["size_code"].append(event.size + 1)
                    columns["allocator"].append(event.allocator)
                    columns["stack_id"].append(event.stack_id)
                    next_id += 1
        self.add_columns(
            "events", columns, row_count=len(columns["size_code"]), encodings=encodings
        )

    def add_columns(
        self,
        block_type: str,
        columns: Mapping[str, Any],
        *,
        row_count: int,
        encodings: Mapping[str, int] | None = None,
    ) -> None:
        """Add one block from whole columns: lists or arrays."""
        number = TYPE_NUMBERS[block_type]
        packed = []
        for k, column in enumerate(fmt.COLUMNS[number]):
            if column.name not in columns and column.absent is not None:
                continue
            encoding = (encodings or {}).get(column.name, column.encoding)
            packed.append((k, encoding, encode_column(columns[column.name], encoding)))
        times = next((columns[name] for name in TIME_COLUMNS if name in columns), ())
        self.add_raw(
            number,
            pack_payload(packed),
            column_count=len(packed),
            row_count=row_count,
            first_time_ns=int(min(times)) if len(times) else 0,
            last_time_ns=int(max(times)) if len(times) else 0,
        )

    def add_raw(self, block_type: int, raw: bytes, **fields: Any) -> None:
        """Add a block whose payload is given; `fields` as of `pack_block`."""
        fields.setdefault("codec", self.codec)
        fields.setdefault("sequence", len(self._index))
        block = pack_block(block_type, raw, **fields)
        self._index.append(
            {
                "offset": self._bytes,
                "block_type": block_type,
                "row_count": fields["row_count"],
                "first_time_ns": fields.get("first_time_ns", 0),
                "last_time_ns": fields.get("last_time_ns", 0),
            }
        )
        self._append(block)

    def add_bytes(self, data: bytes) -> None:
        """Add bytes that are no block: damage."""
        self._append(data)

    def _append(self, data: bytes) -> None:
        self._parts.append(data)
        self._bytes += len(data)

    @property
    def block_offsets(self) -> list[int]:
        """Where the blocks so far start in the file."""
        return [row["offset"] for row in self._index]

    def to_bytes(self, *, complete: bool = True) -> bytes:
        """The file: with index and trailer as after a clean stop, or without as after a kill."""
        body = b"".join(self._parts)
        if not complete:
            return body
        place = struct.pack("<Q", len(body))
        trailer = place + struct.pack("<I", zlib.crc32(place)) + fmt.TRAILER_MAGIC
        return body + pack_block(fmt.INDEX, **self._index_block()) + trailer

    def damaged(self, block_type: str, *, complete: bool = True) -> bytes:
        """The file as `to_bytes`, with a byte flipped in the first block of a type."""
        content = bytearray(self.to_bytes(complete=complete))
        number = TYPE_NUMBERS[block_type]
        offset = next(row["offset"] for row in self._index if row["block_type"] == number)
        content[offset + fmt.BLOCK_HEADER.size + 2] ^= 0xFF
        return bytes(content)

    def add_index(self) -> None:
        """Add an index of the blocks since the last one, as a long recording does now and then."""
        fields = self._index_block()
        self._indexed = len(self._index)
        self.add_raw(fmt.INDEX, **fields)

    def _index_block(self) -> dict[str, Any]:
        rows = self._index[self._indexed :]
        packed = [
            (k, c.encoding, encode_column([row[c.name] for row in rows], c.encoding))
            for k, c in enumerate(fmt.COLUMNS[fmt.INDEX])
        ]
        return {
            "raw": pack_payload(packed),
            "column_count": len(packed),
            "sequence": len(self._index),
            "row_count": len(rows),
            "codec": self.codec,
        }

    def write(self, path: str | Path, *, complete: bool = True) -> None:
        """Write the file."""
        Path(path).write_bytes(self.to_bytes(complete=complete))
