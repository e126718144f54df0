"""The source code that a trace speaks of, where it is still what ran."""

from __future__ import annotations

import os
import stat
import time
import tokenize
import typing

from memlyze.query.session import Trace

UNVERIFIED, CHANGED, MISSING = "unverified", "changed", "missing"
NOT_A_FILE, WITHHELD = "not_a_file", "withheld"

_SUFFIXES = (".py", ".pyw", ".pyx", ".pxd", ".pxi")
_MOST_BYTES = 16 << 20


class SourceCode(typing.NamedTuple):
    """A source file as it is now, or why it is not shown."""

    state: str
    """`unverified`: last changed before the recording; `changed` since; `missing`; `not_a_file`;
    `withheld`.
    """
    reason: str
    """For a person to read."""
    lines: list[str] | None
    """None where it cannot be shown."""


def read_source(trace: Trace, file: str) -> SourceCode:
    """Read a file that frames of the trace name.

    The trace has no copy of it and no digest: it is taken for what ran if it was last changed
    before the recording began. A trace may come from anywhere and name anything: nothing is read
    but Python source.
    """
    if file.startswith("<") or not file:
        return SourceCode(NOT_A_FILE, f"{file or 'this code'} was not read from a file.", None)
    path = os.path.join(str(trace.metadata.get("working_directory") or ""), file)
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return SourceCode(MISSING, f"There is no {file} on this machine.", None)
    if not stat.S_ISREG(status.st_mode) or status.st_size > _MOST_BYTES or not _is_python(path):
        return SourceCode(WITHHELD, f"{file} is not Python source, so it is not read.", None)
    started_ns = min(_started_ns(trace, file))
    if status.st_mtime_ns > started_ns:
        changed = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(status.st_mtime))
        return SourceCode(
            CHANGED, f"{file} was changed on {changed}, after the program had started.", None
        )
    try:
        with tokenize.open(path) as text:
            lines = text.read().splitlines()
    except (OSError, SyntaxError, UnicodeDecodeError) as error:
        return SourceCode(WITHHELD, f"{file} cannot be read: {error}.", None)
    return SourceCode(UNVERIFIED, "Read from disk; last changed before the program started.", lines)


def _is_python(path: str) -> bool:
    if os.path.splitext(path)[1].lower() in _SUFFIXES:
        return True
    try:
        with open(path, "rb") as file:
            first = file.readline(200)
    except OSError:
        return False
    return first.startswith(b"#!") and b"python" in first


def _started_ns(trace: Trace, file: str) -> list[int]:
    """When the processes started whose frames name the file, by the wall clock."""
    started = {
        process_id: found.metadata.get("start_time_unix_ns")
        for process_id, found in zip(trace.process_ids, trace.files)
    }
    frames = trace.table("frames")
    numbers = set(started)
    if "process_id" in frames:
        numbers = set(frames["process_id"][frames["file"] == file].tolist())
    told = [started.get(number) for number in numbers]
    return [value for value in told if isinstance(value, int)] or [0]
