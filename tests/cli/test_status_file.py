from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from memlyze.cli.status_file import status_file


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_file_is_there_for_the_time_of_a_recording(folder: Path) -> None:
    with status_file() as file:
        assert os.listdir(folder) == [os.path.basename(file.path)]
    assert os.listdir(folder) == []


def test_what_a_killed_recording_left_is_removed_by_the_next(folder: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    (folder / f"memlyze-{ended.pid}-a1_b2.status").touch()
    kept = [f"memlyze-{os.getppid()}-a1_b2.status", f"memlyze-{ended.pid}.mlyze", "other.status"]
    for name in kept:
        (folder / name).touch()
    with status_file():
        pass
    assert sorted(os.listdir(folder)) == sorted(kept)


def test_one_that_is_waited_for_in_another_container_is_not_removed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process that it is named after is not seen from there."""
    with status_file() as file:
        monkeypatch.setattr("memlyze.cli.status_file._is_running", lambda process_id: False)
        with status_file():
            assert os.path.exists(file.path)


def test_what_was_told_is_read_though_somebody_removes_the_file(folder: Path) -> None:
    with status_file() as file:
        Path(file.path).write_text("told")
        os.unlink(file.path)
        assert (file.read(), file.was_removed) == ("told", True)
    with status_file() as file:
        assert (file.read(), file.was_removed) == ("", False)
