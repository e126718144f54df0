"""A program and its processes on the command line: recorded together, read together, or one."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import pytest
from command_line import Runner, run_python

PROGRAM = """
import os, subprocess, sys
kept = bytes(50_001)
subprocess.run([sys.executable, "-c", "import os; kept = bytes(60_001); print(os.getpid())"])
sys.stdout.flush()
if os.fork() == 0:
    kept = bytes(70_001)
    print(os.getpid(), flush=True)
    os._exit(0)
os.wait()
"""
SIZES = "SELECT size FROM allocations WHERE size IN (50034, 60034, 70034) ORDER BY ALL"


@pytest.fixture
def recorded(memlyze: Runner) -> tuple[str, list[str]]:
    """What `record` said, and the numbers of the two child processes."""
    done = memlyze("record", "--sample-rate", "1.0", "-o", "t.mlyze", "-c", PROGRAM)
    assert done.returncode == 0
    return done.stderr, done.stdout.split()


def sizes(memlyze: Runner, *arguments: str) -> list[int]:
    done = memlyze("query", *arguments, "--format", "json", SIZES, "t.mlyze")
    assert (done.returncode, done.stderr) == (0, "")
    return [row["size"] for row in json.loads(done.stdout)]


def test_record_ends_with_a_line_for_each_process(recorded: tuple[str, list[str]]) -> None:
    said, children = recorded
    assert re.match(r"\nmemlyze: \S+/t\.mlyze and 2 more traces\n", said)
    lines = said.splitlines()
    head = next(k for k, line in enumerate(lines) if line.split()[:1] == ["process"])
    rows = [line.split() for line in lines[head + 1 : head + 4]]
    assert [row[0] for row in rows[1:]] == children
    assert {row[1] for row in rows[1:]} == {rows[0][0]}
    assert "spawn" in rows[1] and "exit" in rows[1]
    assert "fork" in rows[2] and "_exit" in rows[2]
    assert "cut off" not in said


def test_family_or_one_process_is_read(
    recorded: tuple[str, list[str]], memlyze: Runner, tmp_path: Path
) -> None:
    _, children = recorded
    assert sizes(memlyze) == [50034, 60034, 70034]
    assert sizes(memlyze, "--only", "first") == [50034]
    assert [sizes(memlyze, "--only", child) for child in children] == [[60034], [70034]]
    assert {path.name for path in tmp_path.glob("*.mlyze")} == {
        "t.mlyze",
        *(f"t.{child}.mlyze" for child in children),
    }


def test_summary_of_the_family_and_of_one(recorded: tuple[str, list[str]], memlyze: Runner) -> None:
    _, children = recorded
    whole = json.loads(memlyze("summary", "--json", "t.mlyze").stdout)
    assert [str(row["process_id"]) for row in whole["processes"][1:]] == children
    assert all(row["peak_rss"] > 0 for row in whole["processes"])
    assert whole["bytes"]["value"] == sum(row["bytes"]["value"] for row in whole["processes"])
    one = json.loads(memlyze("summary", "--json", "--only", children[0], "t.mlyze").stdout)
    assert len(one["processes"]) == 1
    assert one["bytes"] == whole["processes"][1]["bytes"]
    assert one["peak_rss"]["bytes"] <= whole["peak_rss"]["bytes"]


def test_info_tells_of_each_file(recorded: tuple[str, list[str]], memlyze: Runner) -> None:
    _, children = recorded
    told = [json.loads(line) for line in memlyze("info", "--json", "t.mlyze").stdout.splitlines()]
    assert [row["path"] for row in told] == ["t.mlyze", *(f"t.{c}.mlyze" for c in children)]
    only = memlyze("info", "--only", "first", "--json", "t.mlyze").stdout.splitlines()
    assert len(only) == 1


@pytest.mark.parametrize("command", ["summary", "info", "query"])
def test_process_that_is_not_there_is_said(
    recorded: tuple[str, list[str]], memlyze: Runner, command: str
) -> None:
    query = [SIZES] if command == "query" else []
    done = memlyze(command, "--only", "7", *query, "t.mlyze")
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
    assert "there is no process 7 in t.mlyze; it has " in done.stderr
    assert all(child in done.stderr for child in recorded[1])


def test_member_that_is_damaged_is_said_in_one_line_and_the_others_are_read(
    recorded: tuple[str, list[str]], memlyze: Runner, tmp_path: Path
) -> None:
    _, children = recorded
    (tmp_path / f"t.{children[0]}.mlyze").write_bytes(b"no trace")
    done = memlyze("query", "--format", "csv", SIZES, "t.mlyze")
    assert (done.returncode, done.stdout.split()) == (0, ["size", "50034", "70034"])
    assert len(done.stderr.splitlines()) == 1 and f"t.{children[0]}.mlyze" in done.stderr
    for command in ("summary", "info"):
        done = memlyze(command, "t.mlyze")
        assert done.returncode == 0
        assert f"t.{children[0]}.mlyze" in done.stdout + done.stderr


@pytest.mark.parametrize("how", ["flag", "variable", "pyproject"])
def test_following_can_be_turned_off(memlyze: Runner, tmp_path: Path, how: str) -> None:
    environment = dict(os.environ)
    if how == "variable":
        environment["MEMLYZE_FOLLOW"] = "no"
    elif how == "pyproject":
        (tmp_path / "pyproject.toml").write_text("[tool.memlyze]\nfollow = false\n")
    flags = ["--no-follow"] if how == "flag" else []
    done = memlyze("record", *flags, "-o", "t.mlyze", "-c", PROGRAM, env=environment)
    assert done.returncode == 0
    assert [path.name for path in tmp_path.glob("*.mlyze")] == ["t.mlyze"]


def test_pythons_of_a_script_are_one_family(memlyze: Runner, tmp_path: Path) -> None:
    script = tmp_path / "both.sh"
    python = f"{sys.executable} -c"
    script.write_text(
        f"#!/bin/sh\n{python} 'kept = bytes(50_001)'\n{python} 'kept = bytes(60_001)'\n"
    )
    script.chmod(0o755)
    assert memlyze("record", "-q", "--sample-rate", "1.0", "./both.sh").returncode == 0
    names = sorted((path.name for path in tmp_path.glob("*.mlyze")), key=len)
    assert re.match(r"both\.sh\.\d+\.mlyze$", names[0])
    assert re.match(rf"{names[0][:-6]}\.\d+\.mlyze$", names[1]) and len(names) == 2
    done = memlyze("query", "--format", "json", SIZES, names[0])
    assert [row["size"] for row in json.loads(done.stdout)] == [50034, 60034]


def test_python_that_has_no_memlyze_runs_undisturbed(memlyze: Runner, tmp_path: Path) -> None:
    """It is another version, for instance; here one that refuses to import it."""
    refuse = "import sys; sys.modules['memlyze'] = None"
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "sitecustomize.py").write_text(refuse)
    code = "import os, sys; print(sorted(os.environ), [n for n in sys.modules if 'memlyze' in n])"
    program = (
        "import os, subprocess, sys\n"
        f"own = dict(os.environ, PYTHONPATH={str(tmp_path / 'lib')!r})\n"
        f"subprocess.run([sys.executable, '-c', {code!r}], env=own)\n"
    )
    plain = run_python("-c", program, cwd=tmp_path)
    done = memlyze("record", "-o", "t.mlyze", "-c", program)
    assert done.stdout == plain.stdout and "['memlyze']" in done.stdout
    assert re.search(r"Python 3\.\S+ was not recorded: ", done.stderr)
    assert [path.name for path in tmp_path.glob("*.mlyze")] == ["t.mlyze"]


def test_forced_recording_replaces_the_whole_family(
    recorded: tuple[str, list[str]], memlyze: Runner, tmp_path: Path
) -> None:
    (tmp_path / "t.7.mlyze").write_text("something else")
    refused = memlyze("record", "-o", "t.mlyze", "-c", "pass")
    assert refused.returncode == 2
    assert len(list(tmp_path.glob("t.*.mlyze"))) == 3
    assert memlyze("record", "-q", "-f", "-o", "t.mlyze", "-c", "pass").returncode == 0
    assert {path.name for path in tmp_path.glob("*.mlyze")} == {"t.mlyze", "t.7.mlyze"}


@pytest.mark.parametrize("ends", ["", "os.kill(os.getpid(), 15)"], ids=["in order", "killed"])
def test_line_of_a_package_is_one_place_in_a_program_and_its_fork(
    memlyze: Runner, tmp_path: Path, ends: str
) -> None:
    """A recording begins before the program's folder is in `sys.path`; a fork's does not."""
    keep = "kept = []\ndef keep(): kept.append(bytes(50_001))\n"
    for folder in ("more/pkg", "run", "here"):
        (tmp_path / folder).mkdir(parents=True)
    for folder, name in (("here", "near"), ("more/pkg", "added")):
        (tmp_path / folder / f"{name}.py").write_text(keep)
    (tmp_path / "app.py").write_text(
        "import os, sys\n"
        "import here.near\n"
        "sys.path.append(os.path.abspath('more'))\n"
        "import pkg.added\n"
        "child = os.fork()\n"
        "here.near.keep()\n"
        "pkg.added.keep()\n"
        "if child:\n"
        "    os.wait()\n"
        f"    {ends or 'pass'}\n"
    )
    memlyze("record", "--quiet", "--sample-rate", "1.0", "-o", "t.mlyze", "run/../app.py")
    done = memlyze("hotspots", "--json", "--by", "site", "t.mlyze")
    rows = [row for row in json.loads(done.stdout)["rows"] if row["function"] == "keep"]
    assert sorted(row["module"] for row in rows) == ["here.near", "pkg.added"]
    assert min(row["bytes"]["value"] for row in rows) >= 2 * 50_001  # of both processes
    frames = "SELECT DISTINCT module FROM frames WHERE function = 'keep' ORDER BY ALL"
    done = memlyze("query", "--format", "json", frames, "t.mlyze")
    # What a program adds to its path is told when it ends in order.
    untold = ["more.pkg.added"] if ends else []
    modules = [row["module"] for row in json.loads(done.stdout)]
    assert modules == ["here.near", *untold, "pkg.added"]
