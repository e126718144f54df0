"""`memlyze report`, as a user calls it."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import Runner
from known_trace import write_known_trace
from trace_encoder import TraceEncoder


@pytest.fixture
def trace(tmp_path: Path) -> str:
    return write_known_trace(tmp_path / "t.mlyze")


def test_page_is_named_after_the_trace(trace: str, memlyze: Runner, tmp_path: Path) -> None:
    result = memlyze("report", trace)
    assert (result.returncode, result.stdout) == (0, "")
    assert result.stderr == "memlyze report: wrote t.html\n"
    text = (tmp_path / "t.html").read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>\n<html")
    assert text.endswith("</html>\n")


def test_page_is_not_replaced_unasked(trace: str, memlyze: Runner, tmp_path: Path) -> None:
    assert memlyze("report", trace, "-o", "r.html", "--title", "Night run").returncode == 0
    assert "<title>Night run</title>" in (tmp_path / "r.html").read_text(encoding="utf-8")
    again = memlyze("report", trace, "-o", "r.html")
    assert again.returncode == 2
    assert "r.html exists; replace it with --force" in again.stderr
    assert memlyze("report", trace, "-o", "r.html", "--force").returncode == 0


def test_markdown_goes_to_standard_output(trace: str, memlyze: Runner, tmp_path: Path) -> None:
    result = memlyze("report", "--markdown", trace)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("## Memory: t\\.mlyze\n")
    assert memlyze("report", "--markdown", "-o", "r.md", trace).stdout == ""
    assert (tmp_path / "r.md").read_text(encoding="utf-8") == result.stdout


def test_markdown_of_what_has_changed(trace: str, memlyze: Runner, tmp_path: Path) -> None:
    write_known_trace(tmp_path / "base.mlyze")
    result = memlyze("report", "--markdown", "--base", "base.mlyze", trace)
    assert (result.returncode, result.stderr) == (0, "")
    assert "**Compared with base\\.mlyze**" in result.stdout
    assert "None of" in result.stdout
    missing = memlyze("report", "--markdown", "--base", "nosuch.mlyze", trace)
    assert (missing.returncode, missing.stdout) == (2, "")


def test_format_is_answered_with_how_to_choose_one(trace: str, memlyze: Runner) -> None:
    result = memlyze("report", "--format", "markdown", trace)
    assert (result.returncode, result.stdout) == (2, "")
    assert "Markdown with --markdown" in result.stderr
    assert "memlyze export --format" in result.stderr
    assert "--format" not in memlyze("report", "--help").stdout.split("options:")[1]


def test_trace_that_was_cut_off(memlyze: Runner, tmp_path: Path) -> None:
    TraceEncoder({"process_id": 1}).write(tmp_path / "t.mlyze", complete=False)
    result = memlyze("report", "t.mlyze")
    assert result.returncode == 0
    assert "the trace was cut off" in result.stderr
    assert "the trace was cut off" in (tmp_path / "t.html").read_text(encoding="utf-8")


def test_several_traces_are_one_report(trace: str, memlyze: Runner, tmp_path: Path) -> None:
    write_known_trace(tmp_path / "u.mlyze", process_id=8)
    result = memlyze("report", "-o", "r.html", trace, "u.mlyze")
    assert result.returncode == 0, result.stderr
    assert "2 processes" in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_trace_that_is_not_there(memlyze: Runner) -> None:
    result = memlyze("report", "nosuch.mlyze")
    assert result.returncode == 2
    assert "there is no file nosuch.mlyze" in result.stderr


def test_a_hyphen_is_standard_output(trace: str, memlyze: Runner, tmp_path: Path) -> None:
    page = memlyze("report", "-o", "-", trace)
    assert (page.returncode, page.stderr) == (0, "")
    assert page.stdout.endswith("</html>\n")
    markdown = memlyze("report", "--markdown", "-o", "-", trace)
    assert markdown.stdout.startswith("## Memory: ")
    assert {path.name for path in tmp_path.iterdir()} == {"t.mlyze"}
