"""What commands print when the output's encoding does not have all of it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from command_line import Runner, clean_environment
from known_trace import write_known_trace

NO_TEXT = os.fsdecode(b"no\xfftext\n\x1b[31m.mlyze")
IN_TERMS = ("summary", "leaks", "hotspots", "timeline", "peak", "flamegraph", "windows", "info")


@pytest.fixture
def trace(tmp_path: Path) -> str:
    """A trace whose file name is no text in any encoding, and would colour a terminal."""
    write_known_trace(tmp_path / NO_TEXT)
    return NO_TEXT


@pytest.mark.parametrize("encoding", ["ascii", "utf-8:strict"])
@pytest.mark.parametrize("command", IN_TERMS)
def test_what_the_output_does_not_have_is_escaped(
    command: str, encoding: str, trace: str, memlyze: Runner
) -> None:
    environment = {**clean_environment(), "PYTHONIOENCODING": encoding}
    result = memlyze(command, trace, env=environment, encoding=encoding.partition(":")[0])
    assert (result.returncode, result.stderr) == (0, "")
    assert "no\\udcfftext\\n\\x1b[31m.mlyze" in result.stdout.splitlines()[0]


def test_both_files_of_a_comparison_are_escaped(
    trace: str, memlyze: Runner, tmp_path: Path
) -> None:
    write_known_trace(tmp_path / "after.mlyze")
    environment = {**clean_environment(), "PYTHONIOENCODING": "ascii"}
    result = memlyze("diff", trace, "after.mlyze", env=environment)
    assert (result.returncode, result.stderr) == (0, "")
    first = "memlyze: no\\udcfftext\\n\\x1b[31m.mlyze \\u2192 after.mlyze"
    assert result.stdout.splitlines()[0] == first


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8:strict", "utf-8:surrogateescape"])
@pytest.mark.parametrize("command", ["summary", "info"])
def test_json_is_json_in_any_encoding(
    command: str, encoding: str, trace: str, memlyze: Runner
) -> None:
    environment = {**clean_environment(), "PYTHONIOENCODING": encoding}
    result = memlyze(command, "--json", trace, env=environment, encoding=encoding.partition(":")[0])
    assert (result.returncode, result.stderr) == (0, "")
    answer = json.loads(result.stdout)
    assert answer["paths"] == [NO_TEXT] if command == "summary" else answer["path"] == NO_TEXT


def test_json_has_characters_as_they_are_where_the_output_has_them(
    memlyze: Runner, tmp_path: Path
) -> None:
    write_known_trace(tmp_path / "größe.mlyze")
    for encoding, shown in ("utf-8", "größe.mlyze"), ("latin-1", "gr\\u00f6\\u00dfe.mlyze"):
        environment = {**clean_environment(), "PYTHONIOENCODING": encoding}
        result = memlyze("info", "--json", "größe.mlyze", env=environment, encoding=encoding)
        assert shown in result.stdout


LOCALE_C = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["record", "--help"],
        *([command, "trace.mlyze"] for command in IN_TERMS),
        ["diff", "trace.mlyze", "trace.mlyze"],
        ["query", "SELECT '…'", "trace.mlyze"],
    ],
    ids=" ".join,
)
def test_a_locale_without_characters_is_no_error(
    arguments: list[str], memlyze: Runner, tmp_path: Path
) -> None:
    write_known_trace(tmp_path / "trace.mlyze")
    result = memlyze(*arguments, env={**clean_environment(), **LOCALE_C})
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.isascii()


#: Ends the line, calls the window otherwise, and is no text at the end.
HOSTILE = os.fsdecode(b"a\n\x1b]0;x\x07\xff")


@pytest.mark.parametrize(
    "arguments",
    [
        *([command, HOSTILE] for command in (*IN_TERMS, "report", "serve")),
        ["query", "SELECT 1", HOSTILE],
        ["query", "--file", HOSTILE, "t.mlyze"],
        ["query", "-o", "a\x1b/b", "SELECT 1", "t.mlyze"],
        ["query", 'SELECT "a\x1b"', "t.mlyze"],
        ["export", "--format", "pprof", HOSTILE],
        ["diff", "t.mlyze", HOSTILE],
        ["diff", "t.mlyze", "t.mlyze", "--fail-on", HOSTILE],
        ["peak", "--only", HOSTILE, "t.mlyze"],
        ["peak", "--at", HOSTILE, "t.mlyze"],
        ["report", "-o", "a\x1b/b", "t.mlyze"],
        ["export", "--format", "pprof", "-o", "a\x1b/b", "t.mlyze"],
        ["record", HOSTILE],
        ["record", "-o", HOSTILE + "/t.mlyze", "-c", "pass"],
        ["record", f"--{HOSTILE}", "-c", "pass"],
        ["record", "--sample-rate", HOSTILE, "-c", "pass"],
        [HOSTILE],
    ],
    ids=ascii,
)
def test_error_has_no_control_characters(
    arguments: list[str], memlyze: Runner, tmp_path: Path
) -> None:
    write_known_trace(tmp_path / "t.mlyze")
    result = memlyze(*arguments)
    assert result.returncode in (1, 2)
    lines = result.stderr.splitlines()
    assert len(lines) == 1 or "views: " in lines[-2]  # of a query that was refused
    assert all(line.isprintable() for line in lines)
    assert "\\x1b" in result.stderr


def test_what_is_said_of_a_recording_has_no_control_characters(
    memlyze: Runner, tmp_path: Path
) -> None:
    for name in "a\x1b.mlyze", "b\x1b.mlyze":
        code = f"import os; os.unlink({name!r})" if name[0] == "b" else "keep = bytes(1 << 20)"
        result = memlyze("record", "-o", name, "-c", code)
        assert f"{name[0]}\\x1b.mlyze" in result.stderr
        assert all(line.isprintable() for line in result.stderr.splitlines())
    result = memlyze("summary", "a\x1b.mlyze", "a\x1b.mlyze")
    assert result.stderr == "memlyze: a\\x1b.mlyze was given more than once and is read once\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["summary", ""], "the name of a trace is empty; "),
        (["query", "SELECT 1", ""], "the name of a trace is empty; "),
        (["serve", ""], "the name of a trace is empty; "),
        (["report", "-o", "", "t.mlyze"], "the name of the output file is empty; "),
        (["record", "-o", "", "-c", "pass"], "the name of the output file is empty; "),
        (["record", ""], "the name of the program is empty; "),
        (["query", "--file", "", "t.mlyze"], "the name of the query file is empty; "),
    ],
)
def test_empty_name_is_said_to_be_empty(
    arguments: list[str], words: str, memlyze: Runner, tmp_path: Path
) -> None:
    write_known_trace(tmp_path / "t.mlyze")
    result = memlyze(*arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert words in result.stderr
