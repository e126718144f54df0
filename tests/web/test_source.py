"""Code with bytes per line: only where it is what ran, and nothing but Python source."""

from __future__ import annotations

import os
import zlib
from pathlib import Path
from typing import Any

import pytest
from known_trace import PROGRAM_FILE, known_trace
from served import Served, serving
from trace_encoder import Allocation, Run, TraceEncoder

STARTED_NS = 10**18


def traced(path: Path, *files: str) -> Path:
    """A trace of a program with a function in each of some files; the first calls itself."""
    trace = TraceEncoder({"process_id": 7, "start_time_unix_ns": STARTED_NS})
    codes: list[dict[str, Any]] = [{"code_id": 1, "function": "<truncated>"}]
    codes += [
        {"code_id": k + 2, "function": f"f{k}", "file": file, "first_line": k + 1}
        for k, file in enumerate(files)
    ]
    trace.add("codes", codes)
    stacks = [{"stack_id": k + 1, "parent_id": k, "code_id": k + 2} for k in range(len(files))]
    stacks.append({"stack_id": 100, "parent_id": 1, "code_id": 2})
    trace.add("stacks", stacks)
    trace.add("threads", [{"thread_id": 1}])
    trace.add_runs(
        [Run(1, 5, 65536, [Allocation(10, 1), Allocation(7, 100), Allocation(5, len(files))])]
    )
    trace.write(path)
    return path


def test_line_counts_what_it_called_and_a_recursive_line_counts_once(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("def f0():\n    pass\n")
    os.utime(program, ns=(STARTED_NS - 1, STARTED_NS - 1))
    with serving(traced(tmp_path / "t.mlyze", str(program), "/x/callee.py")) as served:
        found = served.get("source", file=str(program))
        assert (found["state"], found["lines"]) == ("unverified", ["def f0():", "    pass"])
        (line,) = found["figures"]
        assert (line["line"], line["functions"]) == (1, ["f0"])
        assert (line["allocated"]["value"], line["allocated_self"]["value"]) == (22, 17)
        assert found["total"]["value"] == 22
        files = {
            row["file"]: row["allocated"]["value"] for row in served.get("source/files")["files"]
        }
        assert files == {str(program): 17, "/x/callee.py": 5}


def sourced(path: Path, file: str, content: bytes, *, text: bool, **changes: Any) -> Path:
    """The trace of `traced`, with what a recorder wrote down of the file."""
    trace = TraceEncoder({"process_id": 7, "start_time_unix_ns": STARTED_NS})
    trace.add("codes", [{"code_id": 2, "function": "f", "file": file, "first_line": 1}])
    trace.add("stacks", [{"stack_id": 1, "parent_id": 0, "code_id": 2}])
    row: dict[str, Any] = {
        "file": file,
        "modified_unix_ns": STARTED_NS - 5,
        "size": len(content),
        "crc32": zlib.crc32(content),
        "text": content if text else b"",
    }
    trace.add("sources", [{**row, **changes}])
    trace.add("threads", [{"thread_id": 1}])
    trace.add_runs([Run(1, 5, 65536, [Allocation(10, 1)])])
    trace.write(path)
    return path


def test_text_in_the_trace_is_shown_where_there_is_no_such_file(tmp_path: Path) -> None:
    file = "/nowhere/template.html"
    with serving(sourced(tmp_path / "t.mlyze", file, b"a = 1\nb = 2\n", text=True)) as served:
        found = served.get("source", file=file)
        assert (found["state"], found["lines"]) == ("stored", ["a = 1", "b = 2"])
        assert "changed" not in found["reason"]


def test_text_that_was_changed_while_the_program_ran_says_so(tmp_path: Path) -> None:
    trace = sourced(
        tmp_path / "t.mlyze", "/x.py", b"a = 1\n", text=True, modified_unix_ns=STARTED_NS + 5
    )
    with serving(trace) as served:
        found = served.get("source", file="/x.py")
        assert found["state"] == "stored"
        assert "changed after the program had started" in found["reason"]


def test_file_is_told_by_its_digest_not_by_its_date(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_bytes(b"a = 1\n")  # later than the recording
    with serving(sourced(tmp_path / "t.mlyze", str(program), b"a = 1\n", text=False)) as served:
        found = served.get("source", file=str(program))
        assert (found["state"], found["lines"]) == ("unchanged", ["a = 1"])
        program.write_bytes(b"a = 2\n")
        os.utime(program, ns=(1, 1))
    with serving(tmp_path / "t.mlyze") as served:
        found = served.get("source", file=str(program))
        assert (found["state"], found["lines"]) == ("changed", None)
        assert "--include-source" in found["reason"]


def test_why_the_recorder_could_not_read_it_is_told(tmp_path: Path) -> None:
    trace = sourced(
        tmp_path / "t.mlyze", "/x.zip/a.py", b"", text=False, left_out="it was inside another file"
    )
    with serving(trace) as served:
        found = served.get("source", file="/x.zip/a.py")
        assert found["state"] == "missing"
        assert "Nor could the recorder read it: it was inside another file." in found["reason"]


def test_code_that_may_not_be_what_ran_is_not_shown(tmp_path: Path) -> None:
    changed, secret = tmp_path / "changed.py", tmp_path / "secret.txt"
    changed.write_text("new = 1\n")
    secret.write_text("password\n")
    os.utime(secret, ns=(1, 1))
    named = (str(changed), str(secret), str(tmp_path / "none.py"), "<string>", str(tmp_path))
    with serving(traced(tmp_path / "t.mlyze", *named)) as served:
        for file, state in zip(named, ("changed", "withheld", "missing", "not_a_file", "withheld")):
            found = served.get("source", file=file)
            assert (found["state"], found["lines"]) == (state, None), found["reason"]
            assert found["figures"]


@pytest.mark.parametrize("file", ["/etc/passwd", "", "../secret.py"])
def test_file_that_the_trace_does_not_name_is_not_read(served: Served, file: str) -> None:
    assert served.refusal("source", file=file)[0] == 404


def test_program_file_of_another_machine_is_missing(served: Served) -> None:
    found = served.get("source", file=PROGRAM_FILE)
    assert found["state"] == "missing"
    assert [line["line"] for line in found["figures"]] == [10, 20]


def test_leaks_are_those_of_the_command(tmp_path: Path) -> None:
    known_trace().write(tmp_path / "known.mlyze")
    with serving(tmp_path / "known.mlyze") as served:
        found = served.get("leaks")
        assert {"judged", "sites"} <= set(found)


def test_two_traces_are_compared_as_the_command_does(served: Served) -> None:
    found = served.get("compare", base="sampled.mlyze", measure="allocated")
    assert found["measure"] == "allocated"
    assert found["totals"]["allocated"]["after"]["value"] == 1550
    assert served.refusal("compare")[0] == 400


def test_named_traces_keep_the_order_of_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    paths = [tmp_path / "b.mlyze", tmp_path / "a.mlyze", tmp_path / "folder" / "c.mlyze"]
    for start_unix_ns, path in zip((30, 10, 20), paths):
        known_trace(start_unix_ns=start_unix_ns).write(path)
    for first, second in (paths[:2], paths[1::-1]):
        with serving(first, second, tmp_path / "folder") as served:
            found = served.get("traces")["traces"]
        assert [entry["id"] for entry in found] == [first.name, second.name, "c.mlyze"]
        assert [entry["is_named"] for entry in found] == [True, True, False]
