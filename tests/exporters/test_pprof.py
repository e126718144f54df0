"""pprof profiles are what google's protobuf reads by the published definition."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from known_trace import LIBRARY_FILE, MS, PROGRAM_FILE, weight_of, write_known_trace
from pprof_profile import Profile
from trace_encoder import TraceEncoder

import memlyze
from memlyze.analyses.selection import Selection
from memlyze.exporters.pprof import write_pprof
from memlyze.exporters.protobuf import varint
from memlyze.exporters.request import EVERYTHING, Request


def profile_of(*paths: str, request: Request = EVERYTHING, **options: object) -> Profile:
    file = io.BytesIO()
    with memlyze.open(paths) as trace:
        count = write_pprof(trace, request, file, **options)  # type: ignore[arg-type]
    profile = Profile(file.getvalue())
    assert count == len(profile.samples)
    return profile


@pytest.fixture
def trace(tmp_path: Path) -> str:
    return write_known_trace(tmp_path / "t.mlyze")


def test_profile_has_gos_four_sample_types_and_the_programs_own_figures(trace: str) -> None:
    profile = profile_of(trace)
    assert profile.sample_types == [
        ("alloc_objects", "count"),
        ("alloc_space", "bytes"),
        ("inuse_objects", "count"),
        ("inuse_space", "bytes"),
    ]
    assert profile.default_sample_type == "alloc_space"
    assert profile.values_of("main") == [2, 150, 2, 150]
    assert profile.values_of("load", "main") == [1, 400, 1, 400]
    assert profile.values_of("decode", "load", "main") == [2, 500, 0, 0]
    assert profile.values_of("<unknown>") == [1, 500, 1, 500]


def test_locations_have_file_and_line(trace: str) -> None:
    (stack,) = [stack for stack, _, _ in profile_of(trace).samples if len(stack) == 3]
    assert stack == [
        ("decode", LIBRARY_FILE, 30),
        ("load", PROGRAM_FILE, 20),
        ("main", PROGRAM_FILE, 10),
    ]


def test_samples_are_labelled_with_their_thread(trace: str) -> None:
    labels = {stack[0][0]: labels for stack, _, labels in profile_of(trace).samples}
    assert labels["main"] == {"thread": "MainThread"}
    assert labels["<unknown>"] == {"thread": "71"}


def test_samples_of_several_processes_are_labelled_with_them(trace: str, tmp_path: Path) -> None:
    other = write_known_trace(tmp_path / "u.mlyze", process_id=8)
    profile = profile_of(trace, other)
    assert {labels["process"] for _, _, labels in profile.samples} == {"7", "8"}
    assert profile.values_of("load", "main") == [2, 800, 2, 800]


def test_values_of_a_sampled_trace_are_unsampled(tmp_path: Path) -> None:
    profile = profile_of(write_known_trace(tmp_path / "t.mlyze", sampled=True))
    weight = weight_of(400)
    expected = [round(weight), round(400 * weight)]
    assert profile.values_of("load", "main") == expected * 2


def test_profile_says_when_for_how_long_and_of_what(trace: str) -> None:
    profile = profile_of(trace, comments=["memlyze: t.mlyze"])
    assert (profile.message.time_nanos, profile.message.duration_nanos) == (10**18, 20 * MS)
    assert profile.comments == ["memlyze: t.mlyze"]
    (mapping,) = profile.message.mapping
    assert mapping.has_functions and mapping.has_filenames and mapping.has_line_numbers
    assert {location.mapping_id for location in profile.message.location} == {mapping.id}


def test_peak_is_what_was_in_use_when_most_was(trace: str) -> None:
    profile = profile_of(trace, request=Request("peak"))
    assert profile.default_sample_type == "inuse_space"
    assert profile.values_of("main") == [2, 150, 2, 150]
    assert profile.values_of("decode", "load", "main") == [2, 500, 0, 0]  # at 12 ms
    early = profile_of(trace, request=Request("peak", Selection(to_ns=9 * MS)))
    assert early.values_of("decode", "load", "main") == [2, 500, 1, 200]  # at 4 ms


def test_live_at_a_moment(trace: str) -> None:
    profile = profile_of(trace, request=Request("live", Selection(to_ns=5 * MS)))
    assert profile.values_of("decode", "load", "main") == [2, 500, 1, 200]


def test_temporary_leaves_the_others_out(trace: str) -> None:
    profile = profile_of(trace, request=Request("temporary"))
    ((_, values, _),) = profile.samples
    assert values == [1, 300, 0, 0]


def test_only_one_thread(trace: str) -> None:
    profile = profile_of(trace, request=Request(selection=Selection(thread=2)))
    assert [values for _, values, _ in profile.samples] == [[1, 500, 1, 500]]


def test_empty_trace_is_an_empty_profile(tmp_path: Path) -> None:
    TraceEncoder({"process_id": 1}).write(tmp_path / "t.mlyze", complete=False)
    profile = profile_of(str(tmp_path / "t.mlyze"))
    assert profile.samples == []
    assert len(profile.sample_types) == 4


@pytest.mark.parametrize(
    "value, encoded", [(0, b"\0"), (127, b"\x7f"), (128, b"\x80\1"), (-1, b"\xff" * 9 + b"\1")]
)
def test_integers_are_encoded_as_protobuf_has_them(value: int, encoded: bytes) -> None:
    assert varint(value) == encoded
