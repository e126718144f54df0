"""Header, trailer and blocks of a file in plain Python: part of the reference decoder."""

from __future__ import annotations

import zlib
from typing import Any, Callable, NamedTuple

from memlyze.trace import format as fmt
from memlyze.trace.reference_values import CorruptError
from memlyze.trace.text import parse_json

_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


class NotATraceError(ValueError):
    """The file's header is not one of a trace of this version."""


class RawBlock(NamedTuple):
    """A block as it stands in the file."""

    offset: int
    block_type: int
    codec: int
    column_count: int
    sequence: int
    row_count: int
    raw_bytes: int
    payload_crc32: int
    payload: bytes


def read_file_header(data: bytes) -> tuple[dict[str, Any], int]:
    """The header's metadata (empty where it is damaged), and where the blocks begin."""
    if len(data) < fmt.FILE_HEADER.size:
        raise NotATraceError("the file is shorter than its header")
    magic, version, _, size, checksum = fmt.FILE_HEADER.unpack_from(data)
    if magic != fmt.FILE_MAGIC:
        raise NotATraceError("the file does not begin as a trace")
    if version != fmt.FORMAT_VERSION:
        raise NotATraceError(f"format version {version} is unknown")
    start: int = fmt.FILE_HEADER.size
    text = data[start : start + size]
    if size > fmt.MAX_METADATA_BYTES or len(text) < size or zlib.crc32(text) != checksum:
        return {}, start
    try:
        metadata = parse_json(text.decode())
    except ValueError:
        metadata = None
    return (metadata if isinstance(metadata, dict) else {}), start + size


def has_trailer(data: bytes) -> bool:
    """Whether the file ends as it does after a clean stop."""
    trailer = data[-fmt.TRAILER.size :]
    if len(trailer) < fmt.TRAILER.size:
        return False
    _, checksum, magic = fmt.TRAILER.unpack(trailer)
    return bool(magic == fmt.TRAILER_MAGIC and zlib.crc32(trailer[:8]) == checksum)


def find_blocks(data: bytes, start: int, end: int) -> list[RawBlock]:
    """All blocks with a sound header that lie within the file, found one after the other.

    The index is not needed: it says what the headers say. Where there is no block at the end of the
    last one, the search goes on from there; but from within the last one if that is damaged, as
    bytes may be missing from it. A block whose sequence number, or a greater one, was there before
    is left out.
    """
    blocks: list[RawBlock] = []
    last: RawBlock | None = None
    sequence = 0
    at = start
    while at < end:
        block = block_at(data, at, end)
        if block is None:
            search_from = at
            if data[at : at + 4] == fmt.BLOCK_MAGIC and header_at(data, at):
                search_from = at + 1  # the end of the file, or damage, cuts this one off
            elif last is not None and zlib.crc32(last.payload) != last.payload_crc32:
                search_from = last.offset + 1
            block = search_block(data, search_from, end)
            if block is None:
                break
        if block.sequence >= sequence:
            blocks.append(block)
            sequence = block.sequence + 1
        last = block
        at = block.offset + fmt.BLOCK_HEADER.size + len(block.payload)
    return blocks


def header_at(data: bytes, at: int) -> tuple[Any, ...] | None:
    """The fields of the block header at a place; None where there is no sound one."""
    header = data[at : at + fmt.BLOCK_HEADER.size]
    if len(header) < fmt.BLOCK_HEADER.size or not header.startswith(fmt.BLOCK_MAGIC):
        return None
    fields: tuple[Any, ...] = fmt.BLOCK_HEADER.unpack(header)
    if zlib.crc32(header[: fmt.BLOCK_HEADER_CHECKED_BYTES]) != fields[-1]:
        return None
    row_count, payload_bytes, raw_bytes = fields[5:8]
    if max(row_count, payload_bytes, raw_bytes) > fmt.MAX_PAYLOAD_BYTES:
        return None
    return fields


def block_at(data: bytes, at: int, end: int) -> RawBlock | None:
    """The block at a place; None where there is none that fits."""
    fields = header_at(data, at)
    if fields is None:
        return None
    _, block_type, codec, column_count, sequence, row_count, size, raw_bytes = fields[:8]
    begin = at + fmt.BLOCK_HEADER.size
    if begin + size > end:
        return None
    payload = data[begin : begin + size]
    return RawBlock(
        at, block_type, codec, column_count, sequence, row_count, raw_bytes, fields[10], payload
    )


def search_block(data: bytes, at: int, end: int) -> RawBlock | None:
    """The next block from a place on."""
    while True:
        at = data.find(fmt.BLOCK_MAGIC, at, end)
        if at < 0:
            return None
        block = block_at(data, at, end)
        if block is not None:
            return block
        at += 1


def decompress(block: RawBlock) -> bytes:
    """The raw payload."""
    if zlib.crc32(block.payload) != block.payload_crc32:
        raise CorruptError("the payload's checksum is wrong")
    if block.codec == fmt.CODEC_ZSTD:
        if not block.payload.startswith(_ZSTD_MAGIC):
            raise CorruptError("not a zstd frame")
        raw = _zstd_decompressor()(block.payload, block.raw_bytes)
    elif block.codec == fmt.CODEC_STORED:
        raw = block.payload
    else:
        raise CorruptError(f"codec {block.codec} is unknown")
    if len(raw) != block.raw_bytes:
        raise CorruptError(f"{len(raw)} bytes instead of {block.raw_bytes}")
    return raw


def _zstd_decompressor() -> Callable[[bytes, int], bytes]:
    """A function of one zstd frame and its greatest size; it raises CorruptError."""
    try:
        from compression import zstd  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        pass
    else:

        def by_standard_library(frame: bytes, size: int) -> bytes:
            decompressor = zstd.ZstdDecompressor()
            try:
                raw = bytes(decompressor.decompress(frame, max_length=size + 1))
                if not decompressor.eof and len(raw) <= size:
                    # The frame's last bytes hold no data of their own.
                    raw += bytes(decompressor.decompress(b"", max_length=size + 1 - len(raw)))
            except zstd.ZstdError as error:
                raise CorruptError(str(error)) from None
            if not decompressor.eof or decompressor.unused_data:
                raise CorruptError("not one zstd frame")
            return raw

        return by_standard_library
    try:
        import zstandard  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        pass
    else:

        def by_package(frame: bytes, size: int) -> bytes:
            try:
                if zstandard.frame_content_size(frame) > size:
                    raise CorruptError("the frame holds more than the block says")
                return bytes(
                    zstandard.ZstdDecompressor().decompress(
                        frame, max_output_size=size, allow_extra_data=False
                    )
                )
            except zstandard.ZstdError as error:
                raise CorruptError(str(error)) from None

        return by_package
    from memlyze._speedups import _decoder

    def by_memlyze(frame: bytes, size: int) -> bytes:
        try:
            return _decoder.decompress(frame, size)
        except _decoder.CorruptBlockError as error:
            raise CorruptError(str(error)) from None

    return by_memlyze
