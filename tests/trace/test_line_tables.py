"""Both decoders find the line of every instruction as the interpreter that compiled it does."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from trace_compare import assert_readers_agree
from trace_encoder import TraceEncoder

from memlyze.trace.reader import TraceFile
from memlyze.trace.reference_lines import line_of

# Written by golden/write_line_tables.py, on one interpreter after the other.
GOLDEN = json.loads((Path(__file__).parent / "golden" / "line_tables.json").read_text())
PYTHONS = [golden["python"] for golden in GOLDEN]


def shown_lines(path: Path, kind: int, codes: list[dict[str, Any]]) -> dict[int, list[int]]:
    """The line that the fast reader shows for each instruction of each code."""
    trace = TraceEncoder({})
    stacks: list[dict[str, int]] = []
    rows = []
    for number, code in enumerate(codes):
        rows.append(
            {
                "code_id": number + 2,
                "function": str(number),  # names repeat, and equal frames would be merged
                "file": "sample.py",
                "first_line": code["first_line"],
                "line_table_kind": kind,
                "line_table": bytes.fromhex(code["table"]),
            }
        )
        stacks += [
            {"stack_id": len(stacks) + k + 1, "code_id": number + 2, "instruction": 2 * k}
            for k in range(len(code["lines"]))
        ]
    trace.add("codes", rows)
    trace.add("stacks", stacks)
    trace.write(path)
    expected = assert_readers_agree(path)
    assert not expected.corrupt_offsets
    with TraceFile(path) as opened:
        frames = opened.table("frames")
    lines: dict[int, list[int]] = {number: [] for number in range(len(codes))}
    for function, line in zip(frames["function"].tolist(), frames["line"].tolist()):
        lines[int(function)].append(line)
    return lines


@pytest.mark.parametrize("golden", GOLDEN, ids=PYTHONS)
def test_lines_are_those_that_the_interpreter_names(golden: dict[str, Any], tmp_path: Path) -> None:
    codes = golden["codes"]
    for code in codes:
        first = code["first_line"]
        # Line 0, of a module's own first instruction, is none that a person could look up.
        expected = [line or first for line in code["lines"]]
        found = [
            line_of(golden["kind"], bytes.fromhex(code["table"]), first, 2 * k)
            for k in range(len(expected))
        ]
        assert found == expected, code["name"]
    shown = shown_lines(tmp_path / "lines.mlyze", golden["kind"], codes)
    for number, code in enumerate(codes):
        expected = [line or code["first_line"] for line in code["lines"]]
        assert shown[number] == list(dict.fromkeys(expected)), code["name"]


def test_every_kind_of_table_is_among_the_golden_ones() -> None:
    assert {golden["kind"] for golden in GOLDEN} == {1, 2, 3}
    assert any(
        later < earlier
        for golden in GOLDEN
        if golden["kind"] == 1
        for code in golden["codes"]
        for earlier, later in zip(code["lines"], code["lines"][1:])
    ), "no lnotab goes backwards"
    assert any(None in code["lines"] for golden in GOLDEN for code in golden["codes"])


def test_this_interpreter_is_among_the_golden_ones() -> None:
    version = "{}.{}".format(*sys.version_info)
    if version not in PYTHONS:
        pytest.skip(f"add CPython {version} with golden/write_line_tables.py")


@pytest.mark.parametrize(
    ("kind", "table"),
    [
        *((kind, b"") for kind in (0, 1, 2, 3, 4, 255)),
        (1, b"\x02"),
        (2, b"\x02"),
        (2, b"\x00" * 9),
        (3, b"\xe8"),
        (3, b"\xe8\x40"),
        (3, b"\xf0\x7f\x7f\x7f\x7f\x7f\x7f\x7f"),
        (3, b"\x02\x80"),
        (4, b"\x80\x80"),
    ],
)
def test_a_table_that_breaks_off_falls_back_to_the_first_line(
    kind: int, table: bytes, tmp_path: Path
) -> None:
    codes = [{"first_line": 42, "table": table.hex(), "lines": [None] * 3}]
    assert set(shown_lines(tmp_path / "broken.mlyze", kind, codes)[0]) == {42}
