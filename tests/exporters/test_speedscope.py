"""speedscope files hold to the published format."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from known_trace import PROGRAM_FILE, write_known_trace
from trace_encoder import TraceEncoder

import memlyze
from memlyze.exporters.request import EVERYTHING, Request
from memlyze.exporters.speedscope import write_speedscope


def exported(path: str, request: Request = EVERYTHING) -> Any:
    file = io.BytesIO()
    with memlyze.open(path) as trace:
        write_speedscope(trace, request, file, name="the name")
    content = json.loads(file.getvalue())
    check_format(content)
    return content


def check_format(content: Any) -> None:
    """What https://www.speedscope.app/file-format-schema.json demands of a file with sampled
    profiles.
    """
    assert content["$schema"] == "https://www.speedscope.app/file-format-schema.json"
    assert {"$schema", "profiles", "shared"} <= set(content)
    assert set(content) <= {
        "$schema",
        "activeProfileIndex",
        "exporter",
        "name",
        "profiles",
        "shared",
    }
    assert set(content["shared"]) == {"frames"}
    for frame in content["shared"]["frames"]:
        assert isinstance(frame["name"], str)
        assert set(frame) <= {"name", "file", "line", "col"}
        assert isinstance(frame.get("line", 1), int)
    for profile in content["profiles"]:
        assert set(profile) == {
            "type",
            "name",
            "unit",
            "startValue",
            "endValue",
            "samples",
            "weights",
        }
        assert profile["type"] == "sampled"
        units = {"bytes", "microseconds", "milliseconds", "nanoseconds", "none", "seconds"}
        assert profile["unit"] in units
        assert len(profile["samples"]) == len(profile["weights"])
        for sample in profile["samples"]:
            assert sample and all(0 <= place < len(content["shared"]["frames"]) for place in sample)
        assert profile["endValue"] - profile["startValue"] == sum(profile["weights"])


def stacks(content: Any, number: int) -> dict[tuple[str, ...], int]:
    profile = content["profiles"][number]
    names = [frame["name"] for frame in content["shared"]["frames"]]
    return {
        tuple(names[place] for place in sample): weight
        for sample, weight in zip(profile["samples"], profile["weights"])
    }


def test_stacks_in_bytes_and_in_allocations(tmp_path: Path) -> None:
    content = exported(write_known_trace(tmp_path / "t.mlyze"))
    assert [(p["name"], p["unit"]) for p in content["profiles"]] == [
        ("allocated, bytes", "bytes"),
        ("allocated, allocations", "none"),
    ]
    assert stacks(content, 0) == {
        ("<unknown>",): 500,
        ("main",): 150,
        ("main", "load"): 400,
        ("main", "load", "decode"): 500,
    }
    assert stacks(content, 1)[("main",)] == 2
    assert {"name": "load", "file": PROGRAM_FILE, "line": 20} in content["shared"]["frames"]
    assert (content["name"], content["exporter"]) == ("the name", f"memlyze@{memlyze.__version__}")


def test_live_leaves_out_what_was_freed(tmp_path: Path) -> None:
    content = exported(write_known_trace(tmp_path / "t.mlyze"), Request("live"))
    assert ("main", "load", "decode") not in stacks(content, 0)


def test_empty_trace_is_a_file_with_empty_profiles(tmp_path: Path) -> None:
    TraceEncoder({"process_id": 1}).write(tmp_path / "t.mlyze")
    content = exported(str(tmp_path / "t.mlyze"))
    assert [profile["samples"] for profile in content["profiles"]] == [[], []]
