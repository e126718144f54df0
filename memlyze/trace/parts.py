"""The earlier part of a trace of bounded size, which is read together with the last one."""

from __future__ import annotations

import os
from typing import Any, Mapping, NamedTuple

from memlyze.errors import TraceError
from memlyze.parts import earlier_part
from memlyze.trace.blocks import FileBytes, Layout, find_blocks, header_metadata
from memlyze.trace.text import parse_json

_BEGIN_KEYS = ("part", "part_start_ns", "events_before_part")
_FIRST_PART: dict[str, Any] = {"part": 1, "part_start_ns": 0, "events_before_part": 0}


class EarlierPart(NamedTuple):
    """An opened file, to be closed by its descriptor."""

    descriptor: int
    file: FileBytes
    layout: Layout
    begin: dict[str, Any]
    """What its metadata says of its beginning, which is then that of the whole."""


def find_earlier_part(path: str, metadata: Mapping[str, Any]) -> tuple[EarlierPart | None, bool]:
    """The part before the one at `path`, of which `metadata` is the header's, if it is there.

    And whether the recording has begun a next part since the file at `path` was opened: what is
    there now is another one.
    """
    part = part_number(metadata)
    if part is None or part < 2:
        return None, False
    try:
        descriptor = os.open(earlier_part(path), os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    except OSError:
        return None, False
    try:
        file = FileBytes(descriptor, earlier_part(path))
        text, start = header_metadata(file, path)
        found = parse_json(text.decode("utf-8")) if text is not None else None
        if isinstance(found, dict) and found.get("recording_id") == metadata.get("recording_id"):
            number = part_number(found) or 1
            if number == part - 1:
                begin = {key: found.get(key, _FIRST_PART[key]) for key in _BEGIN_KEYS}
                return EarlierPart(descriptor, file, find_blocks(file, start), begin), False
            if number >= part and not _is_same(path, descriptor):
                os.close(descriptor)
                return None, True
    except (TraceError, OSError, ValueError):
        pass
    os.close(descriptor)
    return None, False


def part_number(metadata: Mapping[str, Any]) -> int | None:
    """Which part a file is, by the metadata in its header; None where it is not one of several."""
    part = metadata.get("part")
    return part if isinstance(part, int) and not isinstance(part, bool) else None


def _is_same(path: str, descriptor: int) -> bool:
    """Whether the file at `path` is the opened one: for a moment a part has both names."""
    found, opened = os.stat(path), os.fstat(descriptor)
    return (found.st_dev, found.st_ino) == (opened.st_dev, opened.st_ino)
