"""scripts/setup.sh: of several at once in one tree, one works and the others wait."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(shutil.which("flock") is None, reason="no flock")
def test_setup_waits_for_another_in_the_same_tree(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    script = shutil.copy(str(ROOT / "scripts" / "setup.sh"), str(tmp_path / "scripts"))
    #: All that this set-up gets to: an interpreter that says that it was called, and fails.
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\ntouch called\nexit 1\n")
    python.chmod(0o755)
    (tmp_path / "build").mkdir()
    lock = tmp_path / "build" / ".setup.lock"
    other = subprocess.Popen(
        ["flock", str(lock), "sh", "-c", "echo holds; read line"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdin and other.stdout and other.stdout.readline() == "holds\n"
    with other, subprocess.Popen(
        [script],
        env={**os.environ, "PYTHON": str(python), "WEBUI": "disabled"},
        stderr=subprocess.PIPE,
        text=True,
    ) as setup:
        assert setup.stderr and "waiting for another set-up" in setup.stderr.readline()
        assert setup.poll() is None
        assert not (tmp_path / "called").exists()
        other.stdin.close()
        assert "does not start" in setup.stderr.read()
    assert (tmp_path / "called").exists()
