"""Damaged traces: one clear error, or what is sound with a statement of what is not."""

from __future__ import annotations

import random
import struct
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import pytest
from synthetic_trace import synthetic_trace
from trace_compare import assert_readers_agree, rows_of
from trace_encoder import Allocation, Free, Run, TraceEncoder, encode_uvarints, pack_payload

from memlyze.errors import MemlyzeError
from memlyze.trace import format as fmt
from memlyze.trace.reader import TABLE_NAMES, TraceFile
from memlyze.trace.reference_decoder import NotATraceError, decode

KEPT = ("allocation_id", "time_ns", "size", "allocator", "thread_id", "window_id")


def small_trace() -> TraceEncoder:
    """A few blocks of each kind, small enough to damage every byte of them."""
    trace = TraceEncoder({"process_id": 9, "command_line": ["python", "x.py"]})
    codes = [{"code_id": k, "function": f"f{k}", "file": "x.py", "first_line": k} for k in (2, 3)]
    trace.add("codes", codes)
    outer, inner = {"stack_id": 1, "code_id": 2}, {"stack_id": 2, "parent_id": 1, "code_id": 3}
    trace.add("stacks", [outer, inner])
    trace.add("threads", [{"thread_id": 1, "name": "MainThread", "end_ns": -1}])
    for number in range(6):
        first = 65536 + 5 * number
        allocations = [Allocation(100 * number + k, 1 + k % 2) for k in range(5)]
        trace.add_runs([Run(1, number, first, [*allocations, Free(first), Free(first + 3)])])
    trace.add("memory", [{"time_ns": 5, "rss": 1000}])
    return trace


def read_everything(path: Path) -> tuple[dict[str, list[dict[str, Any]]], list[str]]:
    """All tables as rows, and the damage."""
    with TraceFile(path) as trace:
        tables = {name: rows_of(trace.table(name)) for name in TABLE_NAMES}
        return tables, trace.damage


def identities(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in KEPT) for row in rows]


def test_a_sound_trace_has_no_damage(tmp_path: Path) -> None:
    path = tmp_path / "sound.mlyze"
    small_trace().write(path)
    tables, damage = read_everything(path)
    assert damage == []
    assert len(tables["allocations"]) == 30
    with TraceFile(path) as trace:
        assert trace.is_complete
        assert trace.verify() == []


@pytest.mark.parametrize("complete", [True, False])
def test_what_a_file_has_twice_counts_once(tmp_path: Path, complete: bool) -> None:
    once, twice = tmp_path / "once.mlyze", tmp_path / "twice.mlyze"
    small_trace().write(once, complete=complete)
    twice.write_bytes(once.read_bytes() * 2)
    expected, _ = read_everything(once)
    found, damage = read_everything(twice)
    for name in expected:
        of_file = {"path"} if name == "processes" else set()
        assert [{**row, **dict.fromkeys(of_file)} for row in found[name]] == [
            {**row, **dict.fromkeys(of_file)} for row in expected[name]
        ], name
    blocks = len(small_trace().block_offsets) + complete
    assert any(f"{blocks} blocks at byte" in sentence for sentence in damage)
    assert_readers_agree(twice)


def test_what_a_first_copy_lacks_is_taken_from_the_second(tmp_path: Path) -> None:
    path = tmp_path / "twice.mlyze"
    trace = small_trace()
    whole = trace.to_bytes(complete=False)
    path.write_bytes(whole[: trace.block_offsets[7] + 20] + whole)
    tables, damage = read_everything(path)
    assert len(tables["allocations"]) == 30
    assert len(tables["memory"]) == 1
    assert any("7 blocks at byte" in sentence for sentence in damage)
    assert_readers_agree(path)


def test_a_trace_without_index_is_sound_but_not_complete(tmp_path: Path) -> None:
    path = tmp_path / "killed.mlyze"
    small_trace().write(path, complete=False)
    tables, damage = read_everything(path)
    assert damage == []
    assert len(tables["allocations"]) == 30
    with TraceFile(path) as trace:
        assert not trace.is_complete


@pytest.mark.parametrize("complete", [True, False])
def test_a_file_cut_at_any_byte_shows_all_whole_blocks(tmp_path: Path, complete: bool) -> None:
    trace = small_trace()
    whole = trace.to_bytes(complete=complete)
    starts = [*trace.block_offsets, len(trace.to_bytes(complete=False))]
    path = tmp_path / "cut.mlyze"
    for size in range(starts[9], len(whole)):
        path.write_bytes(whole[:size])
        tables, damage = read_everything(path)
        blocks = sum(end <= size for end in starts[5:11])
        assert len(tables["allocations"]) == 5 * blocks, size
        # Cut between two blocks, a file cannot be told from one that ends there.
        between_blocks = size in starts or (complete and size == len(whole) - fmt.TRAILER.size)
        assert bool(damage) != between_blocks, size
        with TraceFile(path) as cut:
            assert not cut.is_complete
        assert_readers_agree(path)


def test_a_cut_off_file_says_where_it_ends(tmp_path: Path) -> None:
    trace = small_trace()
    path = tmp_path / "cut.mlyze"
    path.write_bytes(trace.to_bytes(complete=False)[:-3])
    _, (sentence,) = read_everything(path)
    assert "ends in the middle of a block" in sentence
    assert f"byte {trace.block_offsets[-1]:,}" in sentence


@pytest.mark.parametrize("complete", [True, False])
def test_flipped_bytes_lose_rows_but_make_no_wrong_ones(tmp_path: Path, complete: bool) -> None:
    choice = random.Random(42)
    whole = small_trace().to_bytes(complete=complete)
    expected = decode(whole).tables["allocations"]
    known = set(identities(expected))
    path = tmp_path / "flipped.mlyze"
    for _ in range(400):
        damaged = bytearray(whole)
        for _ in range(choice.randint(1, 3)):
            damaged[choice.randrange(len(damaged))] ^= 1 << choice.randrange(8)
        path.write_bytes(damaged)
        try:
            tables, damage = read_everything(path)
        except MemlyzeError as error:
            assert str(path) in str(error)
            with pytest.raises(NotATraceError):
                decode(bytes(damaged))
            continue
        shown = identities(tables["allocations"])
        assert set(shown) <= known
        assert len(shown) == len(expected) or damage
        assert_readers_agree(path)


def test_garbage_overwriting_any_place_is_survived(tmp_path: Path) -> None:
    choice = random.Random(7)
    whole = synthetic_trace(3000, events_per_block=500, stacks=40).to_bytes()
    known = set(identities(decode(whole).tables["allocations"]))
    path = tmp_path / "garbage.mlyze"
    for _ in range(100):
        damaged = bytearray(whole)
        size = choice.randint(1, 4000)
        at = choice.randrange(20, len(damaged) - size)
        how = choice.randrange(3)
        if how == 0:
            damaged[at : at + size] = bytes(choice.randrange(256) for _ in range(size))
        elif how == 1:
            del damaged[at : at + size]
        else:
            damaged[at:at] = bytes(choice.randrange(256) for _ in range(size))
        path.write_bytes(damaged)
        tables, damage = read_everything(path)
        assert damage
        assert set(identities(tables["allocations"])) <= known
        assert_readers_agree(path)


def test_a_damaged_block_is_named_with_its_place_and_what_is_lost(tmp_path: Path) -> None:
    trace = small_trace()
    data = bytearray(trace.to_bytes())
    offset = trace.block_offsets[6]
    data[offset + fmt.BLOCK_HEADER.size + 2] ^= 0xFF
    path = tmp_path / "damaged.mlyze"
    path.write_bytes(data)
    tables, (sentence,) = read_everything(path)
    assert len(tables["allocations"]) == 25
    assert f"at byte {offset:,}" in sentence
    assert "35 before and after are shown" in sentence
    with TraceFile(path) as opened:
        assert opened.damage == []  # not looked at yet
        (verified,) = opened.verify()
    assert "1 events block is unreadable" in verified
    assert "7 events are left out" in verified


def test_bytes_missing_from_a_block_do_not_hide_the_next_one(tmp_path: Path) -> None:
    trace = small_trace()
    data = bytearray(trace.to_bytes(complete=False))
    offset = trace.block_offsets[6]
    del data[offset + fmt.BLOCK_HEADER.size : offset + fmt.BLOCK_HEADER.size + 5]
    path = tmp_path / "missing.mlyze"
    path.write_bytes(data)
    tables, damage = read_everything(path)
    assert len(tables["allocations"]) == 25
    assert damage


def test_a_lost_block_is_told_by_its_number(tmp_path: Path) -> None:
    trace = small_trace()
    data = bytearray(trace.to_bytes(complete=False))
    del data[trace.block_offsets[6] : trace.block_offsets[7]]
    path = tmp_path / "lost.mlyze"
    path.write_bytes(data)
    _, damage = read_everything(path)
    assert any("1 block cannot be found" in text for text in damage)


def test_a_damaged_index_is_done_without(tmp_path: Path) -> None:
    trace = small_trace()
    data = bytearray(trace.to_bytes())
    data[-20] ^= 1
    path = tmp_path / "index.mlyze"
    path.write_bytes(data)
    tables, damage = read_everything(path)
    assert len(tables["allocations"]) == 30
    assert any("index" in text for text in damage)
    with TraceFile(path) as opened:
        assert opened.is_complete


def test_an_index_that_leaves_out_blocks_is_not_believed(tmp_path: Path) -> None:
    trace = small_trace()
    trace._index = trace._index[4:]
    path = tmp_path / "index.mlyze"
    trace.write(path)
    tables, damage = read_everything(path)
    assert len(tables["allocations"]) == 30
    assert any("index" in text for text in damage)


def test_damaged_metadata_does_not_hide_the_events(tmp_path: Path) -> None:
    data = bytearray(small_trace().to_bytes())
    data[fmt.FILE_HEADER.size + 3] ^= 1
    path = tmp_path / "metadata.mlyze"
    path.write_bytes(data)
    tables, damage = read_everything(path)
    assert len(tables["allocations"]) == 30
    assert any("metadata" in text for text in damage)


def test_stacks_and_frames_that_damage_took_away_are_marked(tmp_path: Path) -> None:
    trace = TraceEncoder({})
    trace.add("codes", [{"code_id": 2, "function": "f", "file": "x.py", "first_line": 4}])
    trace.add(
        "stacks",
        [
            {"stack_id": 5, "parent_id": 4, "code_id": 2},  # its caller is lost
            {"stack_id": 6, "parent_id": 0, "code_id": 3},  # its function is lost
        ],
    )
    trace.add_runs([Run(1, 0, 65536, [Allocation(1, 5), Allocation(2, 6), Allocation(3, 77)])])
    path = tmp_path / "lost.mlyze"
    trace.write(path)
    tables, damage = read_everything(path)
    names = {row["frame_id"]: row["function"] for row in tables["frames"]}
    spelled = {
        row["allocation_id"] & 3: [
            names[frame["frame_id"]]
            for frame in tables["stack_frames"]
            if frame["stack_id"] == row["stack_id"]
        ]
        for row in tables["allocations"]
    }
    assert spelled == {0: ["f", "<lost>"], 1: ["<lost>"], 2: []}
    assert len(damage) == 2
    assert_readers_agree(path)


def test_a_repeated_allocation_id_makes_the_later_block_corrupt(tmp_path: Path) -> None:
    trace = TraceEncoder({})
    trace.add_runs([Run(1, 0, 65536, [Allocation(1), Allocation(2)])])
    trace.add_runs([Run(1, 1, 65530, [Allocation(3)] * 7)])
    trace.add_runs([Run(2, 2, 99, [Allocation(4)] * 2), Run(2, 2, 100, [Allocation(5)])])
    trace.add_runs([Run(1, 3, 65538, [Allocation(6)])])
    path = tmp_path / "repeated.mlyze"
    trace.write(path)
    tables, damage = read_everything(path)
    assert [row["size"] for row in tables["allocations"]] == [1, 2, 6]
    assert "2 events blocks are unreadable" in damage[0]
    assert_readers_agree(path)


def test_frees_of_lost_allocations_are_counted(tmp_path: Path) -> None:
    trace = TraceEncoder({})
    trace.add_runs([Run(1, 0, 65536, [Allocation(1), Free(65536), Free(65536), Free(12345)])])
    path = tmp_path / "frees.mlyze"
    trace.write(path)
    with TraceFile(path) as opened:
        _, frees, unmatched, repeated = opened.allocation_statistics
        assert (frees, unmatched, repeated) == (1, 1, 1)
        assert len(opened.damage) == 2


def claiming_block(rows: int, raw_bytes: int, payload: bytes, block_type: int) -> bytes:
    """A block with correct checksums that claims to hold more than it does."""
    header = fmt.BLOCK_HEADER.pack(
        *(fmt.BLOCK_MAGIC, block_type, fmt.CODEC_ZSTD, 10, 0, rows, len(payload), raw_bytes),
        *(0, 0, zlib.crc32(payload), 0),
    )[:44]
    return header + struct.pack("<I", zlib.crc32(header)) + payload


@pytest.mark.parametrize("block_type", [fmt.EVENTS, fmt.WINDOWS, fmt.STACKS, fmt.CODES])
@pytest.mark.parametrize("rows", [1 << 24, (1 << 32) - 1])
def test_huge_claims_take_no_memory(tmp_path: Path, block_type: int, rows: int) -> None:
    trace = small_trace()
    for _ in range(200):
        trace.add_bytes(claiming_block(rows, 1 << 24, b"nothing", block_type))
    path = tmp_path / "claims.mlyze"
    trace.write(path, complete=False)
    tracemalloc.start()
    try:
        tables, damage = read_everything(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(tables["allocations"]) == 30
    assert damage
    assert peak < 40 << 20


def test_a_huge_claimed_index_is_not_believed(tmp_path: Path) -> None:
    trace = TraceEncoder({})
    offsets = encode_uvarints([40, *([200] * 999)])
    columns = [(0, fmt.DELTA, offsets), (1, fmt.U8, b"\x01" * 1000)]
    columns += [(2, fmt.UVARINT, encode_uvarints([(1 << 32) - 1] * 1000))]
    columns += [(k, fmt.DELTA, b"\0" * 1000) for k in (3, 4)]
    trace.add_bytes(b"\0" * 100_000)
    body = trace.to_bytes(complete=False)
    trace.add_raw(fmt.INDEX, pack_payload(columns), column_count=5, row_count=1000)
    place = struct.pack("<Q", len(body))
    data = trace.to_bytes(complete=False) + place + struct.pack("<I", zlib.crc32(place))
    path = tmp_path / "index.mlyze"
    path.write_bytes(data + fmt.TRAILER_MAGIC)
    tables, damage = read_everything(path)
    assert tables["allocations"] == []
    assert damage


def test_nested_block_headers_do_not_take_quadratic_time(tmp_path: Path) -> None:
    """Each of 20,000 headers claims a payload up to the end, and is damaged there."""
    trace = TraceEncoder({})
    count = 20_000
    data = bytearray()
    for number in range(count):
        size = 48 * (count - number - 1)
        header = fmt.BLOCK_HEADER.pack(
            *(fmt.BLOCK_MAGIC, 1, 0, 0, number, 0, size, size, 0, 0, 12345, 0)
        )[:44]
        data += header + struct.pack("<I", zlib.crc32(header))
    trace.add_bytes(bytes(data) + b"garbage")
    path = tmp_path / "nested.mlyze"
    trace.write(path, complete=False)
    tables, damage = read_everything(path)
    assert tables["allocations"] == []
    assert damage


def test_a_file_that_shrinks_after_it_was_opened_is_a_partial_read(tmp_path: Path) -> None:
    trace = small_trace()
    path = tmp_path / "shrinking.mlyze"
    trace.write(path)
    with TraceFile(path) as opened:
        with path.open("r+b") as file:
            file.truncate(trace.block_offsets[7] + 10)
        allocations = opened.table("allocations")
        assert len(allocations["size"]) == 15
        assert any("unreadable" in text for text in opened.damage)


def test_a_file_that_is_being_written_shows_what_stood_in_it_when_opened(tmp_path: Path) -> None:
    trace = small_trace()
    data = trace.to_bytes(complete=False)
    path = tmp_path / "growing.mlyze"
    path.write_bytes(data[: trace.block_offsets[7] + 20])
    with TraceFile(path) as before:
        path.write_bytes(data)
        with TraceFile(path) as after:
            assert len(before.table("allocations")["size"]) == 15
            assert len(after.table("allocations")["size"]) == 30


def test_blocks_of_unknown_types_are_skipped(tmp_path: Path) -> None:
    trace = small_trace()
    trace.add_raw(200, b"whatever", column_count=0, row_count=3)
    path = tmp_path / "unknown.mlyze"
    trace.write(path)
    tables, damage = read_everything(path)
    assert len(tables["allocations"]) == 30
    assert damage == []


def test_unknown_columns_are_skipped_and_needed_ones_may_not_be_missing(tmp_path: Path) -> None:
    texts = {k: (k, fmt.BYTES, b"\x01a") for k in range(2)}
    path = tmp_path / "columns.mlyze"
    for columns, rows in (
        ([texts[0], (9, 77, b"???"), texts[1], (200, 0, b"")], 1),
        ([texts[0]], 0),
        ([texts[0], texts[1], texts[1]], 0),
        ([texts[0], (1, fmt.BYTES, b"\x01ab")], 0),
        ([texts[0], (1, fmt.BYTES, b"\x02a")], 0),
        ([texts[0], (1, fmt.UVARINT, b"\x01")], 0),
    ):
        trace = TraceEncoder({}, samplings=[])
        raw = pack_payload(columns)
        trace.add_raw(fmt.METADATA, raw, column_count=len(columns), row_count=1)
        trace.write(path)
        with TraceFile(path) as opened:
            assert len(opened.table("metadata")["key"]) == rows
            assert bool(opened.damage) == (rows == 0)
        assert_readers_agree(path)
