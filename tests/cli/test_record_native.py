"""`memlyze record` and native memory: the shim comes into the program without a trace in it."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from pathlib import Path

import pytest
from command_line import Runner, clean_environment

import memlyze as memlyze_package
from memlyze.handover import NATIVE_SHIM as SHIM
from memlyze.handover import can_preload

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux alone")

SHOW = """
import json, os, subprocess, sys
def shows_shim(maps):
    return "_preload.so" in maps
child = "import sys; print('_preload.so' in open('/proc/self/maps').read())"
print(json.dumps([
    os.environ.get("LD_PRELOAD"),
    shows_shim(open("/proc/self/maps").read()),
    subprocess.run([sys.executable, "-c", child], capture_output=True, text=True).stdout.strip(),
]))
"""


@pytest.fixture
def show(tmp_path: Path) -> str:
    (tmp_path / "show.py").write_text(SHOW)
    return "show.py"


def shown(result: object) -> list[object]:
    shown: list[object] = json.loads(result.stdout)  # type: ignore[attr-defined]
    return shown


def test_program_has_the_shim_and_does_not_find_it_in_its_environment(
    show: str, memlyze: Runner
) -> None:
    assert shown(memlyze("record", "-q", show)) == [None, True, "False"]


@pytest.mark.parametrize("preloaded", ["", "{library}", "{library}:{library}"])
def test_libraries_that_were_preloaded_still_are(
    show: str, memlyze: Runner, preloaded: str, tmp_path: Path
) -> None:
    library = shutil.copy(SHIM, tmp_path / "another.so")  # any library will do
    value = preloaded.format(library=library)
    result = memlyze("record", "-q", show, env={**clean_environment(), "LD_PRELOAD": value})
    assert shown(result) == [value, True, "False"]
    assert result.stderr == ""


@pytest.mark.parametrize("how", ["flag", "variable"])
def test_shim_is_left_out_where_native_memory_is_not_asked_for(
    show: str, memlyze: Runner, how: str, tmp_path: Path
) -> None:
    flags = ["--no-native"] if how == "flag" else []
    variables = {"MEMLYZE_NATIVE": "no"} if how == "variable" else {}
    result = memlyze(
        "record", "-q", "--sample-rate", "1", *flags, show, env={**clean_environment(), **variables}
    )
    assert shown(result) == [None, False, "False"]
    with memlyze_package.open(next(tmp_path.glob("*.mlyze"))) as trace:
        assert trace.metadata["native"] is False
        assert trace.sql("FROM allocations WHERE allocator IN ('malloc', 'mmap')").fetchall() == []
        assert trace.sql("FROM mappings").fetchall() == []


def test_sanitizer_stays_the_first_library(show: str, memlyze: Runner, tmp_path: Path) -> None:
    library = shutil.copy(SHIM, tmp_path / "libasan.so.8")  # by its name
    result = memlyze("record", "-q", show, env={**clean_environment(), "LD_PRELOAD": str(library)})
    assert shown(result) == [str(library), False, "False"]


def test_path_that_the_environment_cannot_hold_is_not_preloaded(tmp_path: Path) -> None:
    folder = tmp_path / "with space"
    folder.mkdir()
    assert not can_preload(str(shutil.copy(SHIM, folder / "shim.so")))
    assert can_preload(str(shutil.copy(SHIM, tmp_path / "shim.so")))
    assert not can_preload(str(tmp_path / "none.so"))


def test_allocator_that_cannot_be_seen_is_named_at_the_end(memlyze: Runner, tmp_path: Path) -> None:
    pytest.importorskip("duckdb")  # has jemalloc in it
    (tmp_path / "app.py").write_text("import duckdb")
    result = memlyze("record", "app.py")
    with memlyze_package.open(next(tmp_path.glob("*.mlyze"))) as trace:
        named = trace.metadata.get("invisible_allocators", [])
    if not named:
        pytest.skip("this duckdb has no allocator of its own")
    name, file = re.escape(named[0]["name"]), re.escape(os.path.basename(named[0]["file"])[:8])
    assert re.search(rf"^  not seen +blocks of {name} in {file}", result.stderr, re.MULTILINE)
