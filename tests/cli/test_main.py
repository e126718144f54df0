"""The `memlyze` command as a whole."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from command_line import Runner, clean_environment
from known_trace import write_known_trace
from pseudo_terminal import PseudoTerminal

import memlyze as memlyze_package
from memlyze.cli.help_text import fitted
from memlyze.cli.main import COMMANDS, HELP


def test_help_starts_with_examples_and_lists_the_commands(memlyze: Runner) -> None:
    result = memlyze("--help", env={**clean_environment(), "COLUMNS": "100"})
    assert (result.returncode, result.stdout) == (0, HELP)
    assert result.stdout.startswith("EXAMPLES\n")
    for command in COMMANDS:
        assert f"\n  {command} " in result.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_starts_with_examples(command: str, memlyze: Runner) -> None:
    result = memlyze(command, "--help")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith(f"EXAMPLES\n  memlyze {command} ")


@pytest.mark.parametrize("columns", [40, 80])
def test_help_is_in_the_width_of_the_terminal(columns: int, memlyze: Runner) -> None:
    environment = {**clean_environment(), "COLUMNS": str(columns)}
    for command in ((), *((name,) for name in COMMANDS)):
        text = memlyze(*command, "--help", env=environment).stdout.partition("\nusage:")[0]
        for line in text.splitlines():
            # What is to be typed is not broken, nor has it anything behind it then.
            is_typed = re.fullmatch(r"  +\S+( \S+)*", line) and "  memlyze " in line
            assert len(line) <= columns or is_typed, line


def test_what_is_typed_stays_whole_and_what_is_said_of_it_is_broken() -> None:
    text = (
        "EXAMPLES\n"
        "  memlyze a b.mlyze   every allocation and every free, in turn\n"
        "\nSays what\nit is.\n"
    )
    assert fitted(text, 46) == (
        "EXAMPLES\n"
        "  memlyze a b.mlyze   every allocation and\n"
        "                      every free, in turn\n"
        "\nSays what\nit is.\n"
    )
    assert fitted(text, 30) == (
        "EXAMPLES\n  memlyze a b.mlyze\n      every allocation and\n      every free, in turn\n"
        "\nSays what\nit is.\n"
    )
    assert fitted("Says what it is, and\nwhat not.", 14) == "Says what it\nis, and what\nnot.\n"


def test_no_command_is_answered_with_the_help_and_status_2(memlyze: Runner) -> None:
    result = memlyze(env={**clean_environment(), "COLUMNS": "100"})
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
