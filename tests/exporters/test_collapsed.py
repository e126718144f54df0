"""Collapsed stacks are lines that flamegraph.pl and inferno take apart again."""

from __future__ import annotations

import io
import re
from pathlib import Path

from known_trace import write_known_trace
from trace_encoder import Allocation, Run, TraceEncoder

import memlyze
from memlyze.exporters.collapsed import ALLOCATIONS, BYTES, write_collapsed
from memlyze.exporters.request import EVERYTHING, Request

#: flamegraph.pl's own pattern of a line.
LINE = re.compile(r"^(.*)\s+?(\d+(?:\.\d*)?)$")


def collapsed(path: str, request: Request = EVERYTHING, unit: str = BYTES) -> dict[str, int]:
    file = io.BytesIO()
    with memlyze.open(path) as trace:
        count = write_collapsed(trace, request, file, unit=unit)
    stacks = {}
    for line in file.getvalue().decode("utf-8").splitlines():
        match = LINE.match(line)
        assert match is not None, line
        stacks[match.group(1)] = int(match.group(2))
    assert count == len(stacks)
    return stacks


MAIN = "main (/srv/app/main.py:10)"
LOAD = "load (/srv/app/main.py:20)"
DECODE = "decode (/usr/lib/python3.11/json/decoder.py:30)"


def test_a_line_for_each_stack_outermost_frame_first(tmp_path: Path) -> None:
    path = write_known_trace(tmp_path / "t.mlyze")
    assert collapsed(path) == {
        "<unknown>": 500,
        MAIN: 150,
        f"{MAIN};{LOAD}": 400,
        f"{MAIN};{LOAD};{DECODE}": 500,
    }
    assert collapsed(path, unit=ALLOCATIONS)[f"{MAIN};{LOAD};{DECODE}"] == 2


def test_stack_of_nothing_is_left_out(tmp_path: Path) -> None:
    path = write_known_trace(tmp_path / "t.mlyze")
    assert set(collapsed(path, Request("live"))) == {"<unknown>", MAIN, f"{MAIN};{LOAD}"}


def test_names_that_the_format_gives_a_meaning_to_stay_one_frame(tmp_path: Path) -> None:
    trace = TraceEncoder({"process_id": 1})
    hostile = "a;b\n c\u2028\x1b[31m 7"
    trace.add("codes", [{"code_id": 1, "function": hostile, "file": "x;y.py", "first_line": 3}])
    trace.add("stacks", [{"stack_id": 1, "parent_id": 0, "code_id": 1}])
    trace.add_runs([Run(1, 1, 65536, [Allocation(10, 1)])])
    trace.write(tmp_path / "t.mlyze")
    ((stack, figure),) = collapsed(str(tmp_path / "t.mlyze")).items()
    assert figure == 10
    assert ";" not in stack
    assert stack.isprintable()
