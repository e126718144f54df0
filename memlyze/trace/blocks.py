"""Where the blocks of a trace are: by its index, or found one after the other.

Files are read by `pread` into buffers and never mapped: one that shrinks while it is read is then a
short read, and not a signal.
"""

from __future__ import annotations

import os
import zlib
from typing import Any, NamedTuple

from memlyze.errors import TraceError
from memlyze.trace import format as fmt

_SEARCH_BYTES = 1 << 20
_HEADER_BYTES = fmt.BLOCK_HEADER.size


class FileBytes:
    """Reads an open file at places."""

    def __init__(self, descriptor: int, path: str) -> None:
        self._descriptor = descriptor
        self._path = path

    def size(self) -> int:
        """The file's size in bytes at this moment."""
        return os.fstat(self._descriptor).st_size

    def read(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes at `offset`; fewer only where the file ends."""
        try:
            data = os.pread(self._descriptor, size, offset)
            while 0 < len(data) < size:
                more = os.pread(self._descriptor, size - len(data), offset + len(data))
                if not more:
                    break
                data += more
        except OSError as error:
            raise TraceError(
                f"cannot read {self._path!r} at byte {offset}: {error.strerror}"
            ) from error
        return data


class Block(NamedTuple):
    """A block and what its header, or the index, says of it."""

    offset: int
    block_type: int
    row_count: int
    first_time_ns: int
    last_time_ns: int
    stored_bytes: int
    """Header and payload."""
    part: int = 0
    """0: of the file itself; 1: of the earlier part that is read with it."""


class Gap(NamedTuple):
    """Bytes in which no block could be found."""

    offset: int
    end: int
    lost_blocks: int
    """By the sequence numbers around it."""
    is_cut_off: bool
    """Whether it is the beginning of a block that the end of the file cuts off."""
    repeated_blocks: int = 0
    """Sound ones in it, whose sequence numbers were there before."""


class Layout(NamedTuple):
    """Where the blocks of a file are."""

    blocks: list[Block]
    gaps: list[Gap]
    is_complete: bool
    is_indexed: bool
    """Whether the blocks were taken from the index; they are then not known to be sound."""
    end: int = 0
    """Where the last block ends that was found by scanning: what is written later begins there."""
    sequence: int = 0
    """Number of the block that is expected there."""


class Header(NamedTuple):
    """A block header whose checksum is right."""

    block_type: int
    sequence: int
    row_count: int
    payload_bytes: int
    raw_bytes: int
    first_time_ns: int
    last_time_ns: int
    payload_crc32: int


def parse_header(data: bytes) -> Header | None:
    """The header at the start of `data`; None where there is none that can be believed."""
    if len(data) < _HEADER_BYTES or data[:4] != fmt.BLOCK_MAGIC:
        return None
    fields = fmt.BLOCK_HEADER.unpack_from(data)
    if zlib.crc32(data[: fmt.BLOCK_HEADER_CHECKED_BYTES]) != fields[11]:
        return None
    # A row takes at least a byte of the raw payload, whatever the block type.
    if max(fields[5:8]) > fmt.MAX_PAYLOAD_BYTES:
        return None
    return Header(fields[1], *fields[4:11])


def find_blocks(file: FileBytes, start: int, *, is_start_known: bool = True) -> Layout:
    """The blocks of a file from byte `start` on, or from somewhere after it."""
    size = file.size()
    index_offset = _read_trailer(file, size)
    if index_offset is not None and index_offset >= start:
        blocks = _read_index(file, start, index_offset, size)
        begins = blocks[0].offset if blocks else index_offset
        # An index that leaves out the first blocks is none.
        if blocks is not None and not (is_start_known and begins != start):
            return Layout(blocks, [], is_complete=True, is_indexed=True)
    end = size if index_offset is None else size - fmt.TRAILER.size
    blocks, gaps, reached, sequence = _scan(file, start, end)
    is_complete = index_offset is not None
    return Layout(blocks, gaps, is_complete, is_indexed=False, end=reached, sequence=sequence)


def find_more_blocks(file: FileBytes, before: Layout) -> Layout | None:
    """The layout of a file that was still being written, with what was written since.

    None where that cannot be told from `before`: the blocks are to be found anew.
    """
    size = file.size()
    if before.is_complete or size < before.end:
        return None
    index_offset = _read_trailer(file, size)
    end = size if index_offset is None else size - fmt.TRAILER.size
    known, start, sequence = before.blocks, before.end, before.sequence
    if known and known[-1].block_type == fmt.INDEX:
        # Written for the time being, when the process might have ended, it is written over.
        known, start, sequence = known[:-1], known[-1].offset, sequence - 1
    # What could not be read at the end may have been written in full since.
    gaps = [gap for gap in before.gaps if gap.end <= start]
    blocks, more_gaps, reached, sequence = _scan(file, start, end, sequence)
    is_indexed = index_offset is not None and _read_index(file, 0, index_offset, size) is not None
    if is_indexed:
        blocks = [block for block in blocks if block.offset != index_offset]  # as it lists them
    return Layout(
        [*known, *blocks],
        [*gaps, *more_gaps],
        is_complete=index_offset is not None,
        is_indexed=is_indexed,
        end=reached,
        sequence=sequence,
    )


def is_finished(path: str) -> bool:
    """Whether a file ends as a trace does whose recording has ended. Nothing but its end is read.

    Raises OSError and TraceError.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    try:
        file = FileBytes(descriptor, path)
        return _read_trailer(file, file.size()) is not None
    finally:
        os.close(descriptor)


def _read_trailer(file: FileBytes, size: int) -> int | None:
    """Where the trailer says that the index is."""
    data = file.read(max(size - fmt.TRAILER.size, 0), fmt.TRAILER.size)
    if len(data) < fmt.TRAILER.size:
        return None
    offset, checksum, magic = fmt.TRAILER.unpack(data)
    if magic != fmt.TRAILER_MAGIC or zlib.crc32(data[: fmt.TRAILER_CHECKED_BYTES]) != checksum:
        return None
    return int(offset)


def _read_index(file: FileBytes, start: int, offset: int, size: int) -> list[Block] | None:
    """The blocks by the index; None where it is damaged or does not fit the file.

    A long recording has several index blocks: each begins with a row for the one before it.
    """
    parts: list[list[Block]] = []
    end = size - fmt.TRAILER.size
    while True:
        part = _read_index_block(file, start, offset, end)
        if part is None:
            return None
        parts.append(part)
        if not part or part[0].block_type != fmt.INDEX:
            break
        offset = part[0].offset  # further forward each time, so this ends
        end = offset + part[0].stored_bytes
    return [block for part in reversed(parts) for block in part]


def _read_index_block(file: FileBytes, start: int, offset: int, end: int) -> list[Block] | None:
    """The blocks that one index block lists; it has to reach exactly to byte `end`."""
    from memlyze._speedups import _decoder

    header = parse_header(file.read(offset, _HEADER_BYTES))
    if header is None or header.block_type != fmt.INDEX:
        return None
    stored_bytes = _HEADER_BYTES + header.payload_bytes
    if offset + stored_bytes != end:
        return None
    try:
        columns = _decoder.decode_columns(
            file.read(offset, stored_bytes),
            [fmt.decoded_as(column) for column in fmt.COLUMNS[fmt.INDEX]],
        )
    except _decoder.CorruptBlockError:
        return None
    offsets, types, rows, first_times, last_times = (column.tolist() for column in columns)
    ends = [*offsets[1:], offset]
    if offsets and offsets[0] < start:
        return None
    if any(end - begin < _HEADER_BYTES for begin, end in zip(offsets, ends)):
        return None
    sizes = (end - begin for begin, end in zip(offsets, ends))
    return [Block(*row) for row in zip(offsets, types, rows, first_times, last_times, sizes)]


def _scan(
    file: FileBytes, start: int, end: int, sequence: int = 0
) -> tuple[list[Block], list[Gap], int, int]:
    """The blocks between two places, found by their headers; where the last of them ends, and the
    number of the next.
    """
    blocks: list[Block] = []
    gaps: list[Gap] = []
    last: Block | None = None  # also one that is left out
    rereadable_bytes = end - start
    at = start
    while at < end:
        header = parse_header(file.read(at, _HEADER_BYTES))
        stored_bytes = _HEADER_BYTES + header.payload_bytes if header else 0
        if header is None or at + stored_bytes > end:
            search_from = at
            if header is not None:
                search_from = at + 1
            elif last is not None and last.stored_bytes <= rereadable_bytes:
                # What is read twice is bounded, lest a file made for it keep us busy.
                rereadable_bytes -= last.stored_bytes
                if not _is_sound(file, last):
                    # Where bytes are missing from a payload, the next block begins inside it.
                    search_from = last.offset + 1
            found = _search(file, search_from, end)
            if found is None:
                gaps.append(Gap(at, end, 0, _is_cut_off(file, last, at, end, header)))
                break
            header, after = found
            lost_blocks = max(header.sequence - sequence, 0)
            if after > at or lost_blocks:
                gaps.append(Gap(min(at, after), after, lost_blocks, is_cut_off=False))
            at, stored_bytes = after, _HEADER_BYTES + header.payload_bytes
        elif header.sequence > sequence:
            gaps.append(Gap(at, at, header.sequence - sequence, is_cut_off=False))
        last = Block(
            at,
            header.block_type,
            header.row_count,
            header.first_time_ns,
            header.last_time_ns,
            stored_bytes,
        )
        at += stored_bytes
        if header.sequence < sequence:
            _leave_out_repeated(last, gaps)
            continue
        sequence = header.sequence + 1
        blocks.append(last)
    reached = last.offset + last.stored_bytes if last else start
    return blocks, gaps, reached, sequence


def _leave_out_repeated(block: Block, gaps: list[Gap]) -> None:
    """Note a block that was there before: where a file was appended to itself, rows count once."""
    end = block.offset + block.stored_bytes
    if gaps and gaps[-1].repeated_blocks and gaps[-1].end == block.offset:
        before = gaps.pop()
        gaps.append(before._replace(end=end, repeated_blocks=before.repeated_blocks + 1))
    else:
        gaps.append(Gap(block.offset, end, 0, is_cut_off=False, repeated_blocks=1))


def _is_sound(file: FileBytes, block: Block) -> bool:
    """Whether a block's payload matches its checksum."""
    data = file.read(block.offset, block.stored_bytes)
    header = parse_header(data)
    return header is not None and zlib.crc32(data[_HEADER_BYTES:]) == header.payload_crc32


def _search(file: FileBytes, at: int, end: int) -> tuple[Header, int] | None:
    """The next block from `at` on that fits whole, and where it is."""
    while at < end:
        data = file.read(at, min(_SEARCH_BYTES, end - at))
        place = data.find(fmt.BLOCK_MAGIC)
        while place >= 0:
            header = parse_header(
                data[place : place + _HEADER_BYTES]
                if place + _HEADER_BYTES <= len(data)
                else file.read(at + place, _HEADER_BYTES)
            )
            fits = header and at + place + _HEADER_BYTES + header.payload_bytes <= end
            if header is not None and fits:
                return header, at + place
            place = data.find(fmt.BLOCK_MAGIC, place + 1)
        if len(data) < len(fmt.BLOCK_MAGIC):
            return None
        # The magic may lie across the border.
        at += len(data) - len(fmt.BLOCK_MAGIC) + 1
    return None


def _is_cut_off(
    file: FileBytes, last: Block | None, at: int, end: int, header: Header | None
) -> bool:
    """Whether the bytes up to the end are the beginning of a block or of the trailer."""
    if header is not None:
        return True
    if last is not None and last.block_type == fmt.INDEX and end - at < fmt.TRAILER.size:
        return True
    beginning = file.read(at, min(end - at, len(fmt.BLOCK_MAGIC)))
    return end - at < _HEADER_BYTES and fmt.BLOCK_MAGIC.startswith(beginning)


def header_metadata(file: FileBytes, path: str) -> tuple[bytes | None, int]:
    """The metadata text of the file header (None: damaged), and where the blocks begin.

    Raises TraceFormatError and TraceVersionError.
    """
    from memlyze.errors import TraceFormatError, TraceVersionError

    data = file.read(0, fmt.FILE_HEADER.size)
    if not data:
        raise TraceFormatError(
            f"{path!r} is empty: recording has not begun to write it, or could not; record again"
        )
    if not data.startswith(fmt.FILE_MAGIC[: len(data)]):
        raise TraceFormatError(
            f"{path!r} is not a memlyze trace; pass a file that `memlyze record` has written"
        )
    if len(data) < fmt.FILE_HEADER.size:
        raise TraceFormatError(
            f"{path!r} is cut off after {len(data)} bytes, before anything was recorded; "
            "record again"
        )
    fields: tuple[Any, ...] = fmt.FILE_HEADER.unpack(data)
    version, size, checksum = fields[1], fields[3], fields[4]
    if version != fmt.FORMAT_VERSION:
        raise TraceVersionError(
            f"{path!r} has format version {version}, and this memlyze reads version "
            f"{fmt.FORMAT_VERSION}; read it with the memlyze that recorded it, or a newer one"
        )
    if size > fmt.MAX_METADATA_BYTES:
        return None, fmt.FILE_HEADER.size
    text = file.read(fmt.FILE_HEADER.size, size)
    if len(text) < size or zlib.crc32(text) != checksum:
        return None, fmt.FILE_HEADER.size
    return text, fmt.FILE_HEADER.size + size
