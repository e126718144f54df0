"""A file that cannot be read at all gives one error that names it, the cause and the next step."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from trace_encoder import TraceEncoder, pack_file_header

from memlyze.errors import (
    MemlyzeError,
    TraceError,
    TraceFormatError,
    TraceNotFoundError,
    TraceVersionError,
)
from memlyze.trace.reader import TraceFile, TraceSet


def message_of(path: Path, error_class: type[MemlyzeError]) -> str:
    with pytest.raises(error_class) as caught:
        TraceFile(path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    return message


def test_missing_file(tmp_path: Path) -> None:
    assert "there is no file" in message_of(tmp_path / "none.mlyze", TraceNotFoundError)


def test_directory(tmp_path: Path) -> None:
    assert "is a directory" in message_of(tmp_path, TraceNotFoundError)


def test_pipe_is_refused_without_waiting_for_a_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "not a regular file" in message_of(tmp_path / "pipe", TraceNotFoundError)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_file(tmp_path: Path) -> None:
    path = tmp_path / "secret.mlyze"
    path.write_bytes(b"")
    path.chmod(0)
    assert "not permitted" in message_of(path, TraceNotFoundError)


def test_file_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    message_of(tmp_path / "file" / "below", TraceNotFoundError)


def test_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "empty.mlyze"
    path.write_bytes(b"")
    assert "is empty" in message_of(path, TraceFormatError)


@pytest.mark.parametrize("content", [b"#!/usr/bin/env python\n", b"\x89PNG\r\n\x1a\n" * 9, b"x"])
def test_other_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.mlyze"
    path.write_bytes(content)
    assert "is not a memlyze trace" in message_of(path, TraceFormatError)


@pytest.mark.parametrize("size", range(1, 20))
def test_file_cut_off_in_its_header(tmp_path: Path, size: int) -> None:
    path = tmp_path / "short.mlyze"
    path.write_bytes(pack_file_header({})[:size])
    assert "cut off" in message_of(path, TraceFormatError)


def test_other_version_is_named(tmp_path: Path) -> None:
    path = tmp_path / "newer.mlyze"
    path.write_bytes(pack_file_header({}, version=2))
    message = message_of(path, TraceVersionError)
    assert "version 2" in message
    assert "version 1" in message


def test_unknown_table(tmp_path: Path) -> None:
    path = tmp_path / "t.mlyze"
    TraceEncoder({}).write(path)
    with TraceFile(path) as trace, pytest.raises(TraceError, match="allocations, frees, frames"):
        trace.table("alocations")


def test_closed_trace(tmp_path: Path) -> None:
    path = tmp_path / "t.mlyze"
    TraceEncoder({}).write(path)
    trace = TraceFile(path)
    trace.close()
    trace.close()
    with pytest.raises(TraceError, match="is closed"):
        trace.table("allocations")


def test_no_room_for_temporary_files(tmp_path: Path) -> None:
    path = tmp_path / "t.mlyze"
    trace = TraceEncoder({})
    trace.add("codes", [{"code_id": 2}])
    trace.add("stacks", [{"stack_id": 1, "code_id": 2}])
    trace.write(path)
    missing = str(tmp_path / "missing")
    opened = TraceFile(path, memory_limit_bytes=0, temporary_directory=missing)
    with opened, pytest.raises(TraceError, match="TMPDIR"):
        opened.table("stack_frames")


def test_set_of_no_files() -> None:
    with pytest.raises(TraceError, match="at least one"):
        TraceSet([])


def test_set_names_the_file_that_is_wrong(tmp_path: Path) -> None:
    good = tmp_path / "good.mlyze"
    TraceEncoder({}).write(good)
    with pytest.raises(TraceNotFoundError, match=r"bad\.mlyze"):
        TraceSet([good, tmp_path / "bad.mlyze"])
