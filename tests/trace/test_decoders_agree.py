"""Whatever a valid trace holds, the C decoder and the plain-Python one read the same from it."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from synthetic_trace import synthetic_trace
from trace_compare import assert_readers_agree
from trace_encoder import Allocation, Free, Run, TraceEncoder

from memlyze.trace import format as fmt

INTEGER_ENCODINGS = (fmt.UVARINT, fmt.SVARINT, fmt.DELTA)
times = st.one_of(st.integers(-5, 10_000), st.integers(-(1 << 63), (1 << 63) - 1))
ids = st.one_of(st.integers(0, 20), st.integers(0, fmt.ID_MAX))
counts = st.one_of(st.integers(0, 300), st.integers(0, fmt.INT64_MAX))
bytes_or_text = st.one_of(
    st.binary(max_size=12),
    st.text(max_size=8).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.sampled_from([b"", b"app/main.py", b"\xed\xb2\x80.py", b"<string>"]),
)
sizes = st.one_of(st.integers(0, 600), st.integers((1 << 31) - 2, (1 << 31) + 2), st.just(1 << 62))
doubles = st.one_of(
    st.just(0.0), st.floats(1.0, 1e9), st.floats(allow_nan=True, allow_infinity=True)
)


@st.composite
def events(draw: Any) -> list[list[Run]]:
    """Blocks of runs, in which ids are never given twice but frees may come at any place."""
    next_ids = {thread: thread * 1000 + 65_500 for thread in range(1, 4)}
    given_ids = [7]
    blocks = []
    for _ in range(draw(st.integers(0, 3))):
        runs = []
        for _ in range(draw(st.integers(0, 4))):
            thread = draw(st.integers(1, 3))
            first = next_ids[thread]
            listed: list[Any] = []
            for is_free in draw(st.lists(st.booleans(), min_size=1, max_size=12)):
                if is_free:
                    choice = st.one_of(st.sampled_from(given_ids), st.integers(0, 1 << 40))
                    listed.append(Free(draw(choice)))
                    continue
                given_ids.append(next_ids[thread])
                next_ids[thread] += 1
                listed.append(Allocation(draw(sizes), draw(ids), draw(st.integers(0, 255))))
            runs.append(Run(thread, draw(times), first, listed, draw(ids), draw(ids)))
        if draw(st.booleans()):
            runs.reverse()
        blocks.append(runs)
    if draw(st.booleans()):
        blocks.reverse()
    return blocks


def rows(block_type: int) -> Any:
    """Rows of a block type with values anywhere in their ranges."""
    columns = {}
    for column in fmt.COLUMNS[block_type]:
        if column.encoding == fmt.BYTES:
            columns[column.name] = bytes_or_text
        elif column.encoding == fmt.F64:
            columns[column.name] = doubles
        elif column.high == fmt.ID_MAX and column.low == 0:
            columns[column.name] = st.one_of(st.integers(0, 6), ids)
        elif column.encoding == fmt.UVARINT:
            columns[column.name] = counts
        else:
            columns[column.name] = st.integers(column.low, column.high)
    return st.lists(st.fixed_dictionaries(columns), max_size=8)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_both_decoders_read_the_same_from_any_trace(tmp_path: Path, data: Any) -> None:
    trace = TraceEncoder(
        {"python_path": ["/app"], "process_id": 3},
        codec=data.draw(st.sampled_from([fmt.CODEC_STORED, fmt.CODEC_ZSTD])),
        samplings=[],
    )
    for runs in data.draw(events()):
        trace.add_runs(runs)
    kinds = st.sampled_from([n for n in fmt.COLUMNS if n not in (fmt.EVENTS, fmt.INDEX)])
    for block_type in data.draw(st.lists(kinds, max_size=6)):
        trace.add(fmt.BLOCK_TYPE_NAMES[block_type], data.draw(rows(block_type)))
    path = tmp_path / "any.mlyze"
    trace.write(path, complete=data.draw(st.booleans()))
    assert not assert_readers_agree(path).corrupt_offsets


@pytest.mark.parametrize("seed", range(20))
def test_any_integer_encoding_is_taken_for_any_integer_column(tmp_path: Path, seed: int) -> None:
    choice = random.Random(seed)
    trace = TraceEncoder({})
    runs = [
        Run(1, 5, 65536, [Allocation(10, 1), Allocation(99, 2), Free(65536)], window_id=3),
        Run(2, 9, 131072, [Allocation(0), Free(65537)]),
    ]
    encodings = {c.name: choice.choice(INTEGER_ENCODINGS) for c in fmt.COLUMNS[fmt.EVENTS]}
    encodings["allocator"] = choice.choice((fmt.U8, *INTEGER_ENCODINGS))
    trace.add_runs(runs, encodings=encodings)
    threads = [{"thread_id": 1, "os_thread_id": 77, "name": "a", "end_ns": 8}]
    trace.add("threads", threads, encodings={"thread_id": fmt.U8, "end_ns": fmt.UVARINT})
    path = tmp_path / "encodings.mlyze"
    trace.write(path)
    expected = assert_readers_agree(path)
    assert [row["freed_ns"] for row in expected.tables["allocations"]] == [5, 9, -1]
    assert expected.tables["threads"][0]["end_ns"] == 8


@pytest.mark.parametrize("interval_bytes", [0.0, 8192.0])
@pytest.mark.parametrize("mean_life", [3, 3000])
def test_both_decoders_read_the_same_from_a_trace_like_recorded_ones(
    tmp_path: Path, interval_bytes: float, mean_life: int
) -> None:
    trace = synthetic_trace(
        20_000,
        interval_bytes=interval_bytes,
        rate=0.01,
        mean_life=mean_life,
        stacks=300,
        events_per_block=7000,
    )
    path = tmp_path / "synthetic.mlyze"
    trace.write(path)
    assert_readers_agree(path)


def test_columns_in_temporary_files_are_read_the_same(tmp_path: Path) -> None:
    trace = synthetic_trace(5000, interval_bytes=4096.0, rate=0.01, stacks=50)
    path = tmp_path / "spilled.mlyze"
    trace.write(path)
    assert_readers_agree(path, memory_limit_bytes=0, temporary_directory=str(tmp_path))
    assert [entry.name for entry in tmp_path.iterdir()] == ["spilled.mlyze"]


def test_blocks_before_an_earlier_index_of_a_long_recording_are_read_too(tmp_path: Path) -> None:
    trace = TraceEncoder({"process_id": 9})
    first = 65536
    for _ in range(3):
        for _ in range(4):
            trace.add_runs([Run(1, 10, first, [Allocation(24, 0)])])
            first += 1
        trace.add_index()
    trace.add_runs([Run(1, 11, first, [Allocation(24, 0)])])
    path = tmp_path / "long.mlyze"
    trace.write(path)
    assert len(assert_readers_agree(path).tables["allocations"]) == 13
