"""The interactive prompt, on a terminal of its own."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Iterator

import pytest
from known_trace import write_known_trace
from pseudo_terminal import PseudoTerminal


@pytest.fixture
def prompt(tmp_path: Path) -> Iterator[PseudoTerminal]:
    write_known_trace(tmp_path / "t.mlyze")
    # Tests may end it in the midst, where nothing cleans up.
    environment = {
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "TMPDIR": str(tmp_path),
        "NO_COLOR": "1",
    }
    with PseudoTerminal("query", "t.mlyze", cwd=tmp_path, environment=environment) as terminal:
        terminal.expect("memlyze> ")
        yield terminal


def test_statement_over_several_lines_is_run_at_its_semicolon(prompt: PseudoTerminal) -> None:
    prompt.send("SELECT 40 + 2\n")
    prompt.expect("...> ")
    prompt.send("AS answer;\n")
    assert "42" in prompt.expect("(1 row)")
    prompt.expect("memlyze> ")


def test_wrong_statement_is_complained_about_and_forgotten(prompt: PseudoTerminal) -> None:
    prompt.send("SELECT nothing FROM gc;\n")
    assert "gc has: time_ns" in prompt.expect("memlyze> ")
    prompt.send("SELECT count(*) AS n FROM gc;\n")
    prompt.expect("(1 row)")


def test_dot_commands(prompt: PseudoTerminal) -> None:
    prompt.expect_nothing_more()
    prompt.send(".schema gc\n")
    assert "gc has: time_ns, duration_ns" in prompt.expect("memlyze> ")
    prompt.send(".help\n")
    assert ".quit" in prompt.expect("memlyze> ")
    prompt.send(".nonsense\n")
    assert "there is no command .nonsense" in prompt.expect("memlyze> ")
    prompt.send(".quit\n")
    assert prompt.wait() == 0


def test_end_of_input_leaves(prompt: PseudoTerminal) -> None:
    prompt.send("\x04")
    assert prompt.wait() == 0


def test_interrupt_gives_a_new_line_and_stays(prompt: PseudoTerminal) -> None:
    prompt.send("SELECT half\n")
    prompt.expect("...> ")
    # The key after it wakes a readline that was about to wait for one when the interrupt came.
    prompt.send("\x03\n")
    prompt.expect("memlyze> ")
    prompt.send("SELECT 5 AS five;\n")
    prompt.expect("(1 row)")


def test_history_is_kept(prompt: PseudoTerminal, tmp_path: Path) -> None:
    pytest.importorskip("readline")
    prompt.send("SELECT 1;\n")
    prompt.expect("(1 row)")
    prompt.send(".quit\n")
    assert prompt.wait() == 0
    history = tmp_path / "state" / "memlyze" / "query_history"
    assert "SELECT 1;" in history.read_text()
    assert os.stat(history).st_size


def test_interrupt_stops_a_query_that_runs_and_stays(prompt: PseudoTerminal) -> None:
    prompt.send("SELECT i FROM range(1000000000000) AS r (i) WHERE hash(i) % 9000000000000 = 3;\n")
    prompt.expect("= 3;")
    time.sleep(0.5)  # into the query; should it not have begun, the interrupt ends the typing
    prompt.send("\x03")
    prompt.expect("memlyze> ")
    prompt.send("SELECT count(*) AS n FROM gc;\n")
    prompt.expect("(1 row)")


@pytest.mark.parametrize("word", ["exit", "quit;", "QUIT", ".exit"])
def test_words_that_leave(prompt: PseudoTerminal, word: str) -> None:
    prompt.send(word + "\n")
    assert prompt.wait() == 0


def test_help_is_what_one_types_first(prompt: PseudoTerminal) -> None:
    for word in ("help", "?"):
        prompt.send(word + "\n")
        assert "hotspots() LIMIT 10" in prompt.expect("memlyze> ")


def test_tab_completes_views_and_their_columns(prompt: PseudoTerminal) -> None:
    pytest.importorskip("readline")
    prompt.send("SELECT uncol\t FROM gc;\n")
    assert "uncollectable" in prompt.expect("(2 rows)")
    prompt.expect("memlyze> ")
    prompt.send(".sch\t\n")
    assert "hotspots(" in prompt.expect("memlyze> ")


def test_completion_knows_what_the_line_is_about() -> None:
    from memlyze.cli.completion import Completer

    candidates = Completer().candidates
    assert candidates("hot", "FROM hot") == ["hotspots("]
    assert candidates("du", "SELECT du") == ["duration_ns"]
    assert "rss" in candidates("", "SELECT * FROM memory WHERE ")
    assert "generation" not in candidates("", "SELECT * FROM memory WHERE ")
    assert candidates("SELE", "SELE") == ["SELECT"]
    assert candidates(".q", ".q") == [".quit"]
    assert candidates("all", ".schema all") == ["allocations"]
