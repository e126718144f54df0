"""Messages between the server and the process of the SQL console: a length, then JSON."""

from __future__ import annotations

import struct
import typing

import orjson

Message = typing.Dict[str, typing.Any]
LENGTH = struct.Struct("<Q")


def frame(message: Message) -> bytes:
    """A message as it goes through the pipe."""
    body = orjson.dumps(message)
    return LENGTH.pack(len(body)) + body


def read_message(stream: typing.BinaryIO) -> Message | None:
    """The next message; None when the other side has ended."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (size,) = LENGTH.unpack(head)
    body = stream.read(size)
    if len(body) < size:
        return None
    found: Message = orjson.loads(body)
    return found
