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
    with status_file() as path:
        assert os.listdir(folder) == [os.path.basename(path)]
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
