"""Which files belong together, and what becomes of those that cannot be read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from trace_encoder import Allocation, Run, TraceEncoder

import memlyze
from memlyze.trace.family import find_family


def write(path: Path, family_id: Any, start_ns: int = 0, **metadata: Any) -> str:
    if family_id is not None:
        metadata["family_id"] = family_id
    trace = TraceEncoder({"start_time_unix_ns": 1000 + start_ns, "process_id": 1, **metadata})
    trace.add("threads", [{"thread_id": 1, "name": path.stem, "start_ns": 4}])
    trace.add_runs([Run(1, 5, 65536, [Allocation(10, 0)])])
    trace.write(path)
    return str(path)


@pytest.fixture
def family(tmp_path: Path) -> list[str]:
    """A first file and two members, the later named before the earlier."""
    return [
        write(tmp_path / "t.mlyze", "a", process_id=10, recording_id="r10"),
        write(
            tmp_path / "t.30.mlyze",
            "a",
            3,
            process_id=30,
            parent_process_id=77,  # a shell in between
            recording_id="r30",
            parent_recording_id="r10",
            started_by="spawn",
        ),
        write(
            tmp_path / "t.20-2.mlyze",
            "a",
            5,
            process_id=30,
            recording_id="r20",
            parent_recording_id="r30",
            started_by="exec",
        ),
    ]


def test_first_file_opens_its_family_in_the_order_of_start(family: list[str]) -> None:
    assert find_family(family[:1]).paths == family
    with memlyze.open(family[0]) as trace:
        assert list(trace.paths) == family
        columns = "process_id, parent_process_id, started_by, start_ns"
        assert trace.sql(f"SELECT {columns} FROM processes").fetchall() == [
            (10, 0, None, 0),
            (30, 10, "spawn", 3),
            (10_000_030, 30, "exec", 5),
        ]
        assert trace.sql("SELECT count(*) FROM allocations").fetchall() == [(3,)]


def test_copy_of_a_member_is_read_once_and_said(family: list[str], tmp_path: Path) -> None:
    copy = tmp_path / "t.77.mlyze"
    copy.write_bytes(Path(family[1]).read_bytes())
    found = find_family(family[:1])
    assert found.paths == family
    (said,) = found.left_out
    assert str(copy) in said and "copy" in said


def test_one_file_is_read_alone_when_that_is_asked_for(family: list[str]) -> None:
    with memlyze.open(family[0], family=False) as trace:
        assert list(trace.paths) == family[:1]
    with memlyze.open(family[1]) as trace:
        assert list(trace.paths) == family[1:2]
        assert trace.sql("SELECT process_id, parent_process_id FROM processes").fetchall() == [
            (30, 77)
        ]


def test_file_that_is_named_twice_is_read_once(family: list[str], tmp_path: Path) -> None:
    os.symlink(family[1], tmp_path / "link.mlyze")
    found = find_family([family[0], family[1], family[0], tmp_path / "link.mlyze"])
    assert found.paths == family


def test_files_that_only_look_alike_are_not_of_the_family(
    family: list[str], tmp_path: Path
) -> None:
    write(tmp_path / "t.40.mlyze", "b")
    write(tmp_path / "t.41.mlyze", None)
    write(tmp_path / "t.old.mlyze", "a")
    write(tmp_path / "tt.42.mlyze", "a")
    write(tmp_path / "t.43.mlyze.bak", "a")
    (tmp_path / "t.44.mlyze").mkdir()
    found = find_family(family[:1])
    assert (found.paths, found.left_out) == (family, [])


def test_file_without_a_family_is_alone(tmp_path: Path) -> None:
    path = write(tmp_path / "t.mlyze", None)
    write(tmp_path / "t.40.mlyze", None)
    assert find_family([path]).paths == [path]


def test_name_is_taken_as_it_is(tmp_path: Path) -> None:
    paths = [write(tmp_path / name, "a") for name in ("a(b.mlyze", "a(b.7.mlyze", "axb.8.mlyze")]
    assert find_family(paths[:1]).paths == paths[:2]
    bare = [write(tmp_path / name, "c", k) for k, name in enumerate(("bare", "bare.7"))]
    assert find_family(bare[:1]).paths == bare


DAMAGE = {
    "not a memlyze trace": b"something else",
    "is empty": b"",
    "not known whether it belongs": None,
    "format version 2": b"\x89MLYZE\r\n\x02\x00" + bytes(10),
}


@pytest.mark.parametrize(("said", "content"), DAMAGE.items())
def test_member_that_cannot_be_read_is_left_out_and_said(
    family: list[str], said: str, content: bytes | None
) -> None:
    damaged = Path(family[1])
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:25] + b"?" + whole[26:] if content is None else content)
    with memlyze.open(family[0]) as trace:
        assert list(trace.paths) == [family[0], family[2]]
        (sentence,) = trace.damage
        assert trace.left_out == [sentence]
        assert said in sentence and str(damaged) in sentence and "\n" not in sentence
        assert trace.sql("SELECT count(*) FROM allocations").fetchall() == [(2,)]


def test_last_one_left_is_said_too(tmp_path: Path) -> None:
    path = write(tmp_path / "t.mlyze", "a")
    (tmp_path / "t.5.mlyze").write_bytes(b"no trace")
    with memlyze.open(path) as trace:
        assert list(trace.paths) == [path]
        assert "t.5.mlyze" in trace.damage[0]


def test_first_file_that_is_still_being_written_opens_its_family(family: list[str]) -> None:
    first = Path(family[0])
    first.write_bytes(first.read_bytes()[:-40])
    with memlyze.open(first) as trace:
        assert len(trace.paths) == 3
        assert not trace.is_complete


def test_metadata_of_any_type_does_no_harm(tmp_path: Path) -> None:
    path = write(tmp_path / "t.mlyze", "a", recording_id=["x"], parent_recording_id={"y": 1})
    write(tmp_path / "t.1.mlyze", "a", recording_id=None, started_by=7, stop_reason=[])
    with memlyze.open(path) as trace:
        assert len(trace.sql("FROM processes").fetchall()) == 2
    odd = write(tmp_path / "u.mlyze", ["a"])
    assert find_family([odd]).paths == [odd]
