from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from memlyze.cli.errors import UsageError
from memlyze.cli.target import find_target


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def make_executable(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def test_python_file_runs_under_this_python_with_its_arguments_unchanged() -> None:
    Path("app.py").write_text("")
    target = find_target(["app.py", "--port", "-c", "8000"])
    assert target.executable == sys.executable
    assert target.argv == (sys.executable, "app.py", "--port", "-c", "8000")
    assert target.name == "app"


def test_module_is_named_after_itself() -> None:
    target = find_target(["-m", "http.server", "8000"])
    assert target.argv == (sys.executable, "-m", "http.server", "8000")
    assert target.name == "http.server"


def test_interpreter_options_are_kept() -> None:
    Path("app.py").write_text("")
    target = find_target([sys.executable, "-X", "dev", "-W", "error", "-u", "app.py", "-I"])
    assert target.argv == (sys.executable, "-X", "dev", "-W", "error", "-u", "app.py", "-I")
    assert target.name == "app"


def test_command_is_found_on_the_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    make_executable(folder / "tool", f"#!{sys.executable}\n")
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    target = find_target(["tool", "-q"])
    assert target.executable == str(folder / "tool")
    assert target.argv == ("tool", "-q")


@pytest.mark.parametrize("flag", ["-I", "-E", "-S", "-BI", "-sE"])
def test_flag_that_hides_the_recording_is_refused(flag: str) -> None:
    Path("app.py").write_text("")
    with pytest.raises(UsageError, match="cannot be recorded"):
        find_target([sys.executable, flag, "app.py"])


@pytest.mark.parametrize("flags", [["-s"], ["-B", "-O"], ["-XI"], ["-WE"], ["-X", "I"], ["-cI"]])
def test_letters_that_are_no_such_flag_are_accepted(flags: list[str]) -> None:
    find_target([sys.executable, *flags])


def test_script_whose_first_line_isolates_python_is_refused(tmp_path: Path) -> None:
    make_executable(tmp_path / "tool", "#!/usr/bin/env python3 -I\n")
    with pytest.raises(UsageError, match="-I"):
        find_target(["./tool"])


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        ([], "nothing to run"),
        (["-m"], "module name"),
        (["missing.py"], "no file missing.py"),
        (["no-such-command-anywhere"], "no file and no command"),
    ],
)
def test_what_cannot_be_run_is_refused(arguments: list[str], advice: str) -> None:
    with pytest.raises(UsageError, match=advice):
        find_target(arguments)


def test_folder_without_a_main_module_is_refused_before_python_says_so() -> None:
    Path("folder").mkdir()
    with pytest.raises(UsageError, match="folder is a folder without a __main__"):
        find_target(["folder"])
    Path("folder", "__main__.py").write_text("")
    assert find_target(["folder"]).argv == (sys.executable, "folder")


def test_file_that_is_neither_python_by_its_name_nor_a_command_is_told_what_to_type(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tool").write_text("print(1)")
    with pytest.raises(UsageError, match=r"tool is a file.*memlyze record python tool"):
        find_target(["tool"])
