"""The source code that a trace speaks of: as it was recorded, or where it is still what ran."""

from __future__ import annotations

import os
import stat
import time
import typing
import zlib

from memlyze.query.session import Trace
from memlyze.trace.text import decode_source

STORED, UNCHANGED, UNVERIFIED = "stored", "unchanged", "unverified"
CHANGED, MISSING, NOT_A_FILE, WITHHELD = "changed", "missing", "not_a_file", "withheld"

_SUFFIXES = (".py", ".pyw", ".pyx", ".pxd", ".pxi")
_MOST_BYTES = 16 << 20


class SourceCode(typing.NamedTuple):
    """A source file as it ran or may have run, or why it is not shown."""

    state: str
    """`stored` in the trace; on disk `unchanged` by its digest, `unverified`: last changed before
    the recording; `changed` since; `missing`; `not_a_file`; `withheld`.
    """
    reason: str
    """For a person to read."""
    lines: list[str] | None
    """None where it cannot be shown."""


class _Recorded(typing.NamedTuple):
    """What the trace has of a file, of one process."""

    process_id: int
    modified_unix_ns: int
    size_bytes: int
    crc32: int
    text: str | None
    left_out: str


def read_source(trace: Trace, file: str) -> SourceCode:
    """Read a file that frames of the trace name: its text in the trace where that was recorded
    (`include_source`), else the file on this machine, if it is still what ran. That is told by its
    digest, or, where the trace has none, by the time at which it was last changed.

    A trace may come from anywhere and name anything: nothing is read from disk but Python source.
    """
    recorded = _recorded(trace, file)
    for found in recorded:
        if found.text is not None:
            return SourceCode(STORED, _stored_reason(trace, found, recorded), _lines(found.text))
    on_disk = _read_from_disk(trace, file, recorded)
    why_not = [found.left_out for found in recorded if found.left_out]
    if on_disk.lines is None and why_not and on_disk.state != NOT_A_FILE:
        return on_disk._replace(
            reason=f"{on_disk.reason} Nor could the recorder read it: {why_not[0]}."
        )
    return on_disk


def _read_from_disk(trace: Trace, file: str, recorded: typing.Sequence[_Recorded]) -> SourceCode:
    if file.startswith("<") or not file:
        return SourceCode(NOT_A_FILE, f"{file or 'this code'} was not read from a file.", None)
    path = os.path.join(str(trace.metadata.get("working_directory") or ""), file)
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return SourceCode(
            MISSING,
            f"There is no {file} on this machine. Record with --include-source to keep its text "
            "in the trace.",
            None,
        )
    if not stat.S_ISREG(status.st_mode) or status.st_size > _MOST_BYTES or not _is_python(path):
        return SourceCode(WITHHELD, f"{file} is not Python source, so it is not read.", None)
    try:
        with open(path, "rb") as opened:
            content = opened.read(_MOST_BYTES + 1)
    except OSError as error:
        return SourceCode(WITHHELD, f"{file} cannot be read: {error.strerror}.", None)
    digests = {(found.size_bytes, found.crc32) for found in recorded if not found.left_out}
    if digests:
        if (len(content), zlib.crc32(content)) in digests:
            return SourceCode(
                UNCHANGED,
                "Read from disk: its checksum is that of the file that ran.",
                _lines(decode_source(content)),
            )
        return SourceCode(
            CHANGED,
            f"{file} is not what ran any more: its checksum is another. Record with "
            "--include-source to keep the text in the trace.",
            None,
        )
    if status.st_mtime_ns > min(_started_ns(trace, file)):
        changed = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(status.st_mtime))
        return SourceCode(
            CHANGED, f"{file} was changed on {changed}, after the program had started.", None
        )
    return SourceCode(
        UNVERIFIED,
        "Read from disk; last changed before the program started.",
        _lines(decode_source(content)),
    )


def _recorded(trace: Trace, file: str) -> list[_Recorded]:
    """What the processes of the trace recorded of the file, those with its text first."""
    sources = trace.table("sources")
    found = []
    for row in (sources["file"] == file).nonzero()[0].tolist():
        left_out = sources["left_out"][row]
        has_text = sources["has_text"][row] and not left_out
        process_ids = sources.get("process_id")
        found.append(
            _Recorded(
                int(process_ids[row]) if process_ids is not None else trace.process_ids[0],
                int(sources["modified_unix_ns"][row]),
                int(sources["size"][row]),
                int(sources["crc32"][row]),
                sources["text"][row] if has_text else None,
                left_out,
            )
        )
    return sorted(found, key=lambda one: one.text is None)


def _stored_reason(trace: Trace, shown: _Recorded, recorded: typing.Sequence[_Recorded]) -> str:
    reason = "The text that was recorded with the program."
    if len({found.crc32 for found in recorded if not found.left_out}) > 1:
        reason += (
            " It was not the same in all processes, as it was changed in between: "
            f"this is that of process {shown.process_id}."
        )
    elif shown.modified_unix_ns > max(_started_ns(trace)):
        reason += " It was changed after the program had started: what ran may have been older."
    return reason


def _lines(text: str) -> list[str]:
    return text.splitlines()


def _is_python(path: str) -> bool:
    if os.path.splitext(path)[1].lower() in _SUFFIXES:
        return True
    try:
        with open(path, "rb") as file:
            first = file.readline(200)
    except OSError:
        return False
    return first.startswith(b"#!") and b"python" in first


def _started_ns(trace: Trace, file: str | None = None) -> list[int]:
    """When the processes started (those whose frames name the file), by the wall clock."""
    started = {
        process_id: found.metadata.get("start_time_unix_ns")
        for process_id, found in zip(trace.process_ids, trace.files)
    }
    numbers = set(started)
    if file is not None:
        frames = trace.table("frames")
        if "process_id" in frames:
            numbers = set(frames["process_id"][frames["file"] == file].tolist())
    told = [started.get(number) for number in numbers]
    return [value for value in told if isinstance(value, int)] or [0]
