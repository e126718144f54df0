"""The files of one recording: that of the program, and one for each process that came from it.

They stand in one folder. The first has the name that was asked for, such as `trace.mlyze`; the
others are named after it and their process, `trace.4711.mlyze`, or `trace.4711-2.mlyze` where the
process has several or its id came again. Names alone prove nothing: the files of a family have one
`family_id` in their metadata.
"""

from __future__ import annotations

import os
import re
from typing import Any, Iterable, NamedTuple, Sequence

from memlyze.errors import TraceError
from memlyze.parts import earlier_part
from memlyze.trace.blocks import FileBytes, header_metadata
from memlyze.trace.metadata import metadata_int
from memlyze.trace.text import parse_json


class Family(NamedTuple):
    """Files to be read together."""

    paths: list[str]
    """Those that were asked for, each followed by its members, in the order of their start."""
    left_out: list[str]
    """What may belong to them and cannot be read, one sentence each."""


def find_family(paths: Sequence[str | os.PathLike[str]]) -> Family:
    """The files at `paths` and, where one is the first of a family, the other files of it.

    Each file is there once. Nothing is said of a path that cannot be read: opening it does that.
    """
    found: list[str] = []
    left_out: list[str] = []
    for path in [os.fspath(path) for path in paths]:
        found += [path, *_members(path, left_out)]
    return Family(_without_earlier_parts(distinct_files(found)), left_out)


def _without_earlier_parts(paths: list[str]) -> list[str]:
    """Without those that are read as parts of another one."""
    of_others = {earlier_part(path) for path in paths}
    return [path for path in paths if path not in of_others or not _is_earlier_part(path)]


def _is_earlier_part(path: str) -> bool:
    root, extension = os.path.splitext(path)
    try:
        earlier = read_metadata(path)
        last = read_metadata(root[: -len(".earlier")] + extension)
    except (TraceError, OSError):
        return False
    key = "recording_id"
    return bool(earlier and last and earlier.get(key) and earlier[key] == last.get(key))


def distinct_files(paths: Iterable[str]) -> list[str]:
    """`paths` without those of a file that stands before them already, under whatever name."""
    kept: dict[tuple[int, int] | str, str] = {}
    for path in paths:
        try:
            status = os.stat(path)
        except OSError:  # whoever opens it says what is wrong with it
            kept.setdefault(path, path)
        else:
            kept.setdefault((status.st_dev, status.st_ino), path)
    return list(kept.values())


def _members(first: str, left_out: list[str]) -> list[str]:
    """The other files of the family that the file at `first` is the first of."""
    try:
        metadata = read_metadata(first)
    except (TraceError, OSError):
        return []
    family_id = metadata.get("family_id") if metadata else None
    if not family_id or not isinstance(family_id, str):
        return []
    found = []
    known = {str(metadata.get("recording_id"))} if metadata else set()
    for path in sorted(_namesakes(first)):
        try:
            metadata = read_metadata(path)
        except TraceError as error:
            if os.path.getsize(path):
                left_out.append(f"left out: {error}")
            else:
                left_out.append(
                    f"left out: {path!r} is empty: its process has only just begun, or there was "
                    "no room to write"
                )
            continue
        except OSError as error:
            left_out.append(f"left out: {path!r} cannot be read: {error.strerror}")
            continue
        if metadata is None:
            left_out.append(
                f"left out: the metadata at the start of {path!r} is damaged, so that it is not "
                f"known whether it belongs to {first!r}"
            )
        elif metadata.get("family_id") == family_id:
            recording_id = str(metadata.get("recording_id"))
            if "recording_id" in metadata and recording_id in known:
                left_out.append(f"left out: {path!r} is a copy of another file of the recording")
                continue
            known.add(recording_id)
            found.append((metadata_int(metadata, "start_time_unix_ns"), path))
    return [path for _, path in sorted(found)]


def _namesakes(first: str) -> list[str]:
    folder, name = os.path.split(first)
    stem, extension = os.path.splitext(name)
    pattern = re.compile(rf"{re.escape(stem)}\.\d+(-\d+)?{re.escape(extension)}")
    try:
        names = os.listdir(folder or os.curdir)
    except OSError:
        return []
    return [os.path.join(folder, other) for other in names if pattern.fullmatch(other)]


def read_metadata(path: str) -> dict[str, Any] | None:
    """What the header of a file says, nothing where it is no file; None where it is damaged.

    Raises TraceError and OSError.
    """
    if not os.path.isfile(path):
        return {}
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    try:
        text, _ = header_metadata(FileBytes(descriptor, path), path)
    finally:
        os.close(descriptor)
    try:
        found = parse_json(text.decode("utf-8")) if text is not None else None
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
