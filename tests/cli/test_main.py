"""The `memlyze` command as a whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import Runner, clean_environment
from known_trace import write_known_trace
from pseudo_terminal import PseudoTerminal

import memlyze as memlyze_package
from memlyze.cli.main import COMMANDS, HELP


def test_help_starts_with_examples_and_lists_the_commands(memlyze: Runner) -> None:
    result = memlyze("--help")
    assert (result.returncode, result.stdout) == (0, HELP)
    assert result.stdout.startswith("EXAMPLES\n")
    for command in COMMANDS:
        assert f"\n  {command} " in result.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_starts_with_examples(command: str, memlyze: Runner) -> None:
    result = memlyze(command, "--help")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith(f"EXAMPLES\n  memlyze {command} ")


def test_no_command_is_answered_with_the_help_and_status_2(memlyze: Runner) -> None:
    result = memlyze()
    assert (result.returncode, result.stdout) == (2, HELP)


def test_unknown_command_is_one_line(memlyze: Runner) -> None:
    result = memlyze("recrod", "app.py")
    assert (result.returncode, result.stdout) == (2, "")
    assert "record" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_version(memlyze: Runner) -> None:
    assert memlyze("--version").stdout == f"memlyze {memlyze_package.__version__}\n"


@pytest.mark.parametrize("arguments", [["--help"], ["record", "--help"], ["record"]])
def test_reader_is_not_imported_where_it_is_not_needed(
    arguments: list[str], memlyze: Runner, tmp_path: Path
) -> None:
    environment = {**clean_environment(), "PYTHONPROFILEIMPORTTIME": "1"}
    imported = memlyze(*arguments, env=environment).stderr
    for module in ("numpy", "duckdb", "tomllib", "json.decoder"):
        assert f" {module}\n" not in imported


def test_colour_only_on_a_terminal_and_never_against_the_users_wish(
    memlyze: Runner, tmp_path: Path
) -> None:
    write_known_trace(tmp_path / "t.mlyze")
    assert "\x1b[" not in memlyze("summary", "t.mlyze").stdout
    for wish, is_coloured in (({}, True), ({"NO_COLOR": "1"}, False)):
        environment = {"TERM": "xterm", **wish}
        with PseudoTerminal("summary", "t.mlyze", cwd=tmp_path, environment=environment) as shown:
            assert ("\x1b[" in shown.expect("main.py:10")) is is_coloured
            assert shown.wait() == 0
