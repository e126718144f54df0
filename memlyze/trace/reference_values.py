"""The values of columns in plain Python: part of the reference decoder."""

from __future__ import annotations

import struct
from typing import Any

from memlyze.trace import format as fmt


class CorruptError(ValueError):
    """A block breaks the format."""


def read_values(
    column: fmt.Column, encoding: int, data: bytes, count: int | None = None
) -> list[Any]:
    """All values of a column, which must be `count` where that is known."""
    values: list[Any]
    if column.encoding == fmt.F64:
        if encoding != fmt.F64 or len(data) % 8:
            raise CorruptError(f"{column.name} is not of doubles")
        values = [value for (value,) in struct.iter_unpack("<d", data)]
    elif column.encoding == fmt.BYTES:
        if encoding != fmt.BYTES:
            raise CorruptError(f"{column.name} is not of texts")
        values = read_texts(data)
    else:
        values = read_integers(encoding, data)
        if not all(column.low <= value <= column.high for value in values):
            raise CorruptError(f"{column.name} holds a value that is out of range")
    if count is not None and len(values) != count:
        raise CorruptError(f"{column.name} has {len(values)} values for {count} rows")
    return values


def read_texts(data: bytes) -> list[bytes]:
    """The values of a `bytes` column."""
    texts = []
    at = 0
    while at < len(data):
        size, at = read_uvarint(data, at)
        if size > len(data) - at:
            raise CorruptError("a text goes beyond its column")
        texts.append(data[at : at + size])
        at += size
    return texts


def read_integers(encoding: int, data: bytes) -> list[int]:
    """The values of an integer column in any encoding."""
    if encoding == fmt.U8:
        return list(data)
    values = []
    at = 0
    while at < len(data):
        value, at = read_uvarint(data, at)
        values.append(value)
    if encoding == fmt.UVARINT:
        return values
    values = [(value >> 1) ^ -(value & 1) for value in values]  # undo the zigzag
    if encoding == fmt.SVARINT:
        return values
    if encoding != fmt.DELTA:
        raise CorruptError(f"encoding {encoding} is none of integers")
    total = 0
    for place, difference in enumerate(values):
        total = (total + difference + (1 << 63)) % (1 << 64) - (1 << 63)
        values[place] = total
    return values


def read_uvarint(data: bytes, at: int) -> tuple[int, int]:
    """The LEB128 number at a place, and the place after it."""
    value = shift = 0
    while True:
        if at == len(data):
            raise CorruptError("a number goes beyond its column")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if value >= 1 << 64 or shift > 63:
            raise CorruptError("a number has more than 64 bits")
        if byte < 0x80:
            return value, at
        shift += 7
