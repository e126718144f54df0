"""What `memlyze record` says of programs in front of which nothing can be put."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import Runner

from memlyze.cli import executable
from memlyze.cli.executable import obstacle, read_elf

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux alone")

TRUE = shutil.which("true") or "/bin/true"


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A program that ends well."""
    ours, usual = read_elf(sys.executable), read_elf(TRUE)
    if ours is None or usual is None or ours.interpreter != usual.interpreter:
        pytest.skip("this Python has a C library of its own")
    return Path(shutil.copy(TRUE, tmp_path / "program"))


def test_usual_program_can_be_recorded(program: Path) -> None:
    assert obstacle(str(program)) is None
    assert obstacle(sys.executable) is None
    elf = read_elf(sys.executable)
    assert elf is not None
    assert elf.interpreter is not None
    assert os.path.exists(elf.interpreter)


def test_statically_linked_program_is_named(tmp_path: Path, memlyze: Runner) -> None:
    compiler = shutil.which("cc")
    if not compiler:
        pytest.skip("no C compiler")
    source, program = tmp_path / "p.c", tmp_path / "static"
    source.write_text("int main(void) { return 5; }")
    built = subprocess.run([compiler, "-static", "-o", program, source], stderr=subprocess.PIPE)
    if built.returncode:
        pytest.skip("no static C library")
    result = memlyze("record", "-o", "t.mlyze", "./static")
    assert result.returncode == 5
    (line,) = result.stderr.splitlines()
    assert "static is linked statically" in line


def test_program_of_another_architecture_is_named(program: Path, memlyze: Runner) -> None:
    content = bytearray(program.read_bytes())
    content[18:20] = (21).to_bytes(2, sys.byteorder)  # e_machine
    program.write_bytes(content)
    result = memlyze("record", "-o", "t.mlyze", str(program))
    assert result.returncode == 2
    (line,) = result.stderr.splitlines()
    assert "is built for ppc64" in line


def test_program_of_another_c_library_is_named(program: Path) -> None:
    elf = read_elf(str(program))
    assert elf is not None
    assert elf.interpreter is not None
    name = os.fsencode(elf.interpreter)
    content = program.read_bytes()
    program.write_bytes(content.replace(name, b"/x" + name[2:], 1))
    assert "uses another C library" in str(obstacle(str(program)))


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone can give a file away")
def test_set_uid_program_is_named(program: Path, memlyze: Runner) -> None:
    os.chown(program, 65534, 65534)
    program.chmod(0o4755)
    result = memlyze("record", "-o", "t.mlyze", str(program))
    assert result.returncode == 0
    (line,) = result.stderr.splitlines()
    assert "is set-uid or has file capabilities" in line
    program.chmod(0o755)
    assert obstacle(str(program)) is None


def test_file_with_capabilities_is_named(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executable.os, "geteuid", lambda: os.stat(program).st_uid + 1)
    monkeypatch.setattr(executable.os, "getxattr", lambda *_: b"caps")
    assert "file capabilities" in str(obstacle(str(program)))


def test_script_is_judged_by_its_interpreter(program: Path, tmp_path: Path) -> None:
    content = bytearray(program.read_bytes())
    content[18:20] = (21).to_bytes(2, sys.byteorder)
    program.write_bytes(content)
    for number, line in enumerate((f"#!{program}", f"#!/usr/bin/env -S {program}")):
        script = tmp_path / f"script{number}"
        script.write_text(line + "\n")
        assert "is built for ppc64" in str(obstacle(str(script)))


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"\x7fELF" + b"\xff" * 100, b"text"])
def test_file_that_is_no_program_is_nobodys_obstacle(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    obstacle(str(path))
    assert obstacle(str(tmp_path / "none")) is None
