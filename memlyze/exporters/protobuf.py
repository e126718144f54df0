"""Just enough of the protobuf wire format to write a message; google's library is not needed for
that.
"""

from __future__ import annotations

import typing

_VARINT, _LENGTH = 0, 2


def varint(value: int) -> bytes:
    """An integer of up to 64 bits, negative ones in two's complement as `int64` wants it."""
    value &= (1 << 64) - 1
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def number(field: int, value: int) -> bytes:
    """A field of an integer type; nothing for 0, which is what a reader assumes."""
    return varint(field << 3 | _VARINT) + varint(value) if value else b""


def data(field: int, content: bytes) -> bytes:
    """A field that is a message or bytes."""
    return varint(field << 3 | _LENGTH) + varint(len(content)) + content


def text(field: int, content: str) -> bytes:
    """A field that is a string."""
    return data(field, content.encode("utf-8", "backslashreplace"))


def numbers(field: int, values: typing.Iterable[int]) -> bytes:
    """A repeated field of an integer type, packed."""
    return data(field, b"".join(map(varint, values)))
