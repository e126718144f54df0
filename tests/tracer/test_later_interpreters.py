"""Interpreters that follow each other in a process: the first can be recorded, the others run as
without.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from command_line import clean_environment, run_python

import memlyze

SITE = str(Path(memlyze.__file__).parents[1])
WORK = """
import json, threading
kept = [bytes({size} + number) for number in range(100)]
thread = threading.Thread(target=lambda: [[] for _ in range(1000)])
thread.start()
thread.join()
print(json.dumps({size}), flush=True)
"""
START = """
import memlyze
for _ in range(2):
    try:
        memlyze.start("t.mlyze", sample_rate=1.0)
        memlyze.stop()
        print("recorded", flush=True)
        break
    except ImportError as error:
        print(error, flush=True)
"""


@pytest.fixture(scope="module")
def lifetimes(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A program that runs each of its arguments in an interpreter of its own."""
    folder = str(sysconfig.get_config_var("LIBDIR"))
    library = Path(folder, str(sysconfig.get_config_var("INSTSONAME")))
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if not compiler or not sysconfig.get_config_var("Py_ENABLE_SHARED") or not library.exists():
        pytest.skip("no C compiler, or no library of this Python")
    program = tmp_path_factory.mktemp("lifetimes") / "lifetimes"
    source = Path(__file__).parent / "lifetimes.c"
    subprocess.run(
        [compiler, "-o", program, source, str(library), f"-Wl,-rpath,{folder}"], check=True
    )
    return str(program)


@pytest.fixture
def environment() -> dict[str, str]:
    return {**clean_environment(), "PYTHONHOME": sys.base_prefix, "PYTHONPATH": SITE}


def test_later_interpreter_is_told_where_memlyze_can_be_used(
    lifetimes: str, environment: dict[str, str], tmp_path: Path
) -> None:
    done = subprocess.run(
        [lifetimes, START, START, START],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (7, "")
    words = "memlyze can be used in the first interpreter of a process, and that has ended"
    assert [line.split(" (")[0] for line in done.stdout.splitlines()] == ["recorded", *[words] * 4]


def test_module_that_was_forgotten_is_found_again_in_the_same_interpreter(tmp_path: Path) -> None:
    """Which looks the same from outside: the library is there, and no module of that name."""
    program = """
import sys, memlyze
memlyze.start
for name in [name for name in sys.modules if name.startswith("memlyze")]:
    del sys.modules[name]
import memlyze
memlyze.start("t.mlyze")
memlyze.stop()
print("recorded")
"""
    done = run_python("-c", program, cwd=tmp_path, env=clean_environment())
    assert (done.returncode, done.stdout) == (0, "recorded\n"), done.stderr


def test_later_interpreters_of_a_recorded_program_run_as_without(
    lifetimes: str, environment: dict[str, str], tmp_path: Path
) -> None:
    work = [WORK.format(size=size) for size in (50_000, 60_000, 70_000)]
    options = ("--sample-rate", "1.0", "-o", "t.mlyze")
    result = run_python(
        *("-m", "memlyze", "record", *options, "--", lifetimes, *work),
        cwd=tmp_path,
        env=environment,
    )
    assert (result.returncode, result.stdout) == (7, "50000\n60000\n70000\n"), result.stderr
    with memlyze.open(tmp_path / "t.mlyze") as trace:
        query = (
            "SELECT count(*) FROM allocations WHERE size BETWEEN ? AND ? AND allocator = 'object'"
        )
        counts = [
            trace.sql(query, [size + 33, size + 132]).fetchall()[0][0]
            for size in (50_000, 60_000, 70_000)
        ]
    assert counts == [100, 0, 0]
