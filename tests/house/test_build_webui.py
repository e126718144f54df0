"""scripts/build_webui.py: what a broken installation of its tools left behind is made anew, and of
several builds in one tree one works and the others wait.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Iterator

import pytest

ROOT = Path(__file__).resolve().parents[2]

#: What npm leaves in either case; the calls are written down. `breaks` there: half an installation.
NPM = """#!/bin/sh
echo "$1" >> ../calls
[ "$1" = run ] && { mkdir -p ../memlyze/web/static; exec touch ../memlyze/web/static/index.html; }
rm -rf node_modules
mkdir node_modules
touch node_modules/.package-lock.json
[ ! -e ../breaks ]
"""


class Tree:
    """A tree with the script, a web UI, and an npm that says that it was called."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        (directory / "scripts").mkdir()
        shutil.copy(str(ROOT / "scripts" / "build_webui.py"), str(directory / "scripts"))
        (directory / "webui").mkdir()
        self.lock_file = directory / "webui" / "package-lock.json"
        self.lock_file.write_text("{}")
        (directory / "bin").mkdir()
        npm = directory / "bin" / "npm"
        npm.write_text(NPM)
        npm.chmod(0o755)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        path = os.pathsep.join([str(self.directory / "bin"), os.environ["PATH"]])
        return subprocess.Popen(
            [sys.executable, str(self.directory / "scripts" / "build_webui.py"), *arguments],
            env={**os.environ, "PATH": path},
            stderr=subprocess.PIPE,
            text=True,
        )

    def calls(self, *arguments: str) -> list[str]:
        """What npm was asked to do by one build."""
        written = self.directory / "calls"
        written.write_text("")
        self.start(*arguments).communicate()
        return written.read_text().split()


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Tree]:
    yield Tree(tmp_path)


def test_tools_are_installed_once(tree: Tree) -> None:
    assert tree.calls("--tools") == ["ci"]
    assert tree.calls("--tools") == []
    assert tree.calls() == ["run"]
    assert tree.calls() == []


def test_tools_are_installed_again_after_one_that_broke_off(tree: Tree) -> None:
    (tree.directory / "breaks").touch()
    assert tree.calls() == ["ci"]
    (tree.directory / "breaks").unlink()
    assert tree.calls() == ["ci", "run"]


def test_tools_are_installed_again_where_other_ones_are_asked_for(tree: Tree) -> None:
    assert tree.calls() == ["ci", "run"]
    tree.lock_file.write_text("{ }")
    os.utime(str(tree.lock_file), (0, 0))  # an older one was checked out
    assert tree.calls() == ["ci", "run"]


def test_build_waits_for_another_in_the_same_tree(tree: Tree) -> None:
    (tree.directory / "build").mkdir()
    with open(tree.directory / "build" / ".webui.lock", "wb") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        build = tree.start()
        with build:
            assert build.stderr and "waiting for another build" in build.stderr.readline()
            assert not (tree.directory / "calls").exists()
            fcntl.flock(turn, fcntl.LOCK_UN)
            build.stderr.read()
    assert build.returncode == 0
    assert (tree.directory / "calls").read_text().split() == ["ci", "run"]
