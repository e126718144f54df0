"""Traces that are read while they are written: what comes is decoded, and nothing anew."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest
from trace_compare import COMPARED_TABLES

from memlyze.trace import allocations, trace_file
from memlyze.trace.blocks import FileBytes, find_blocks, header_metadata
from memlyze.trace.reader import TraceFile, TraceSet
from memlyze.trace.writing import is_being_written

GOLDEN = sorted((Path(__file__).parent / "golden").glob("v*/*.mlyze"))
PROGRAM = """
import sys
for line in sys.stdin:
    print("told", flush=True)
"""


@pytest.fixture
def is_growing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A trace without an end is one that is still being written."""
    monkeypatch.setattr(trace_file, "is_being_written", lambda descriptor, metadata: True)


def cuts_of(path: Path) -> list[int]:
    """Where the file may be cut: at the end of each block, and in the middle of it."""
    with path.open("rb") as opened:
        file = FileBytes(opened.fileno(), str(path))
        _, start = header_metadata(file, str(path))
        blocks = find_blocks(file, start).blocks
    places = [place for block in blocks for place in (block.offset, block.offset + 60)]
    return sorted({start, *places, path.stat().st_size})


def assert_same(growing: TraceFile, path: Path) -> None:
    """Hold what has been gone on with against what is read anew."""
    with TraceFile(path) as whole:
        for name in (*COMPARED_TABLES, "metadata", "processes"):
            found, expected = growing.table(name), whole.table(name)
            assert found.keys() == expected.keys(), name
            for column, values in expected.items():
                assert found[column].dtype == values.dtype, (name, column)
                assert np.array_equal(found[column], values), (name, column)
        assert growing.metadata == whole.metadata
        assert growing.is_complete == whole.is_complete
        assert growing.damage == whole.damage
        assert growing.block_counts == whole.block_counts


@pytest.mark.usefixtures("is_growing")
@pytest.mark.parametrize("golden", GOLDEN, ids=lambda path: f"{path.parent.name}-{path.stem}")
@pytest.mark.parametrize("room", [0, 1 << 20])
def test_trace_that_has_grown_reads_as_one_that_is_opened_anew(
    golden: Path, room: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(allocations, "_ROOM", 1)
    monkeypatch.setattr(allocations, "_LEAST_ROOM", room)
    content, path = golden.read_bytes(), tmp_path / "t.mlyze"
    first, *others = cuts_of(golden)
    path.write_bytes(content[:first])
    growing = TraceFile(path)
    try:
        for cut in others:
            with path.open("ab") as file:
                file.write(content[file.tell() : cut])
            if growing.go_on() is None:  # samplings that come later change the columns
                growing.close()
                growing = TraceFile(path)
            assert_same(growing, path)
    finally:
        growing.close()


@pytest.mark.usefixtures("is_growing")
def test_files_that_grow_together_read_as_those_that_are_opened_anew(tmp_path: Path) -> None:
    by_size = sorted(GOLDEN, key=lambda path: path.stat().st_size)
    goldens, paths = [by_size[-3], by_size[-1]], [tmp_path / "a.mlyze", tmp_path / "b.mlyze"]
    contents = [golden.read_bytes() for golden in goldens]
    cuts = [cuts_of(golden) for golden in goldens]
    for path, content, (first, *_) in zip(paths, contents, cuts):
        path.write_bytes(content[:first])
    growing = TraceSet(paths)
    gone_on = gone_on_beside_an_ended_one = 0
    try:
        for step in range(1, max(map(len, cuts)), 2):
            for path, content, places in zip(paths, contents, cuts):
                path.write_bytes(content[: places[min(step, len(places) - 1)]])
            changed = growing.go_on()
            if changed is None:
                growing.close()
                growing = TraceSet(paths)
            gone_on += bool(changed)
            ended = [file.is_complete for file in growing.files]
            gone_on_beside_an_ended_one += bool(changed) and any(ended) and not all(ended)
            with TraceSet(paths) as anew:
                for name in (*COMPARED_TABLES, "processes"):
                    found, expected = growing.table(name), anew.table(name)
                    for column, values in expected.items():
                        assert np.array_equal(found[column], values), (name, column)
    finally:
        growing.close()
    assert gone_on > 3
    assert gone_on_beside_an_ended_one > 1


@pytest.mark.usefixtures("is_growing")
def test_only_new_blocks_are_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    golden = max(GOLDEN, key=lambda path: path.stat().st_size)
    content, path = golden.read_bytes(), tmp_path / "t.mlyze"
    *_, before, last = cuts_of(golden)[:-1]
    path.write_bytes(content[:before])
    read: list[int] = []
    with TraceFile(path) as trace:
        for name in COMPARED_TABLES:
            trace.table(name)
        path.write_bytes(content[:last])
        pread: Callable[[int, int, int], bytes] = os.pread

        def note(descriptor: int, size: int, offset: int) -> bytes:
            read.append(offset)
            return pread(descriptor, size, offset)

        monkeypatch.setattr(os, "pread", note)
        assert trace.go_on() is not None
        for name in ("allocations", "stacks", "frames", "memory", "gc", "windows"):
            trace.table(name)
        assert min(read) >= before - 100  # but for the end, where a trailer might be


@pytest.mark.usefixtures("is_growing")
def test_index_that_was_written_for_the_time_being_is_read_over(tmp_path: Path) -> None:
    golden = max(GOLDEN, key=lambda path: path.stat().st_size)
    content, path = golden.read_bytes(), tmp_path / "t.mlyze"
    *others, index, _ = cuts_of(golden)[:-1]
    first = others[len(others) // 2]
    # An index where the trace goes on later; its number is that of the block to come.
    path.write_bytes(content[:first] + content[index:])
    with TraceFile(path) as trace:
        trace.table("allocations")
        path.write_bytes(content)
        assert trace.go_on() is None or not trace.damage
    path.write_bytes(content[:first])
    with TraceFile(path) as trace:
        trace.table("allocations")
        path.write_bytes(content)
        assert trace.go_on() is not None
        assert_same(trace, path)


@pytest.mark.usefixtures("is_growing")
def test_file_that_is_another_one_now_is_to_be_opened_anew(tmp_path: Path) -> None:
    path = tmp_path / "t.mlyze"
    content = GOLDEN[0].read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with TraceFile(path) as trace:
        trace.table("allocations")
        (tmp_path / "next").write_bytes(content)
        (tmp_path / "next").replace(path)
        assert trace.go_on() is None
        path.unlink()
        assert trace.go_on() is None
    path.write_bytes(content)
    with TraceFile(path) as trace:
        assert trace.go_on() is None  # it has its end


def of_process(process_id: int, host: str = "") -> dict[str, Any]:
    return {"process_id": process_id, "hostname": host or platform.node()}


def test_trace_is_being_written_as_long_as_its_process_runs(tmp_path: Path) -> None:
    path = tmp_path / "t.mlyze"
    path.write_bytes(b"")
    with path.open("rb") as file, subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert is_being_written(file.fileno(), of_process(process.pid))
        process.kill()
        process.wait()
        assert not is_being_written(file.fileno(), of_process(process.pid))


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="the system does not tell")
def test_stopped_program_still_writes_what_it_has_open(tmp_path: Path) -> None:
    path = tmp_path / "t.mlyze"
    path.write_bytes(b"")
    os.utime(path, (1, 1))
    with path.open("rb") as file:
        assert is_being_written(file.fileno(), of_process(os.getpid()))
        # A process that has the number of one that has ended does not.
        assert not is_being_written(file.fileno(), of_process(os.getppid()))


def test_trace_of_another_machine_is_judged_by_when_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "t.mlyze"
    path.write_bytes(b"")
    with path.open("rb") as file:
        elsewhere = of_process(1, "another")
        now = time.time()
        os.utime(path, (now, now))
        assert is_being_written(file.fileno(), elsewhere)
        os.utime(path, (now - 60, now - 60))
        assert not is_being_written(file.fileno(), elsewhere)
        assert not is_being_written(file.fileno(), {"process_id": 1})
