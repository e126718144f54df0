"""What grows is judged once more by who holds it, and of equals the outermost comes first."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from command_line import clean_environment

import memlyze
from memlyze.analyses.leaks import Leaks, leaks
from memlyze.analyses.nesting import order_of_growth

GOES = 3
WORK = "sum(range(6000))"

NESTED = f"""
KEPT = []
class Box:
    __slots__ = tuple(f"slot_{{n}}" for n in range(40))
def payload(n):
    return bytes(400)
def keep(n):
    box = Box()
    box.slot_0 = payload(n)
    KEPT.append(box)
for n in range(2000):
    keep(n)
    {WORK}
"""

# One tree in ten is in use while young objects are collected, and so is garbage among the old ones.
# The roots alone must be enough to be judged: up to CPython 3.10, 48 bytes each.
GARBAGE = f"""
import gc
class Node:
    def __init__(self, parent):
        self.parent = parent
        self.children = []
        if parent:
            parent.children.append(self)
def tree():
    root = Node(None)
    for _ in range(20):
        Node(root)
    return root
gc.disable()
for n in range(4500):
    root = tree()
    {WORK}
    if n % 10 == 0 and COLLECTS:
        gc.collect(1)
"""

FREE_LIST = f"""
def shorten(n):
    return tuple(number for number in (n,))
for n in range(1500):
    shorten(n)
    {WORK}
"""


def test_of_what_grows_about_as_fast_the_holder_comes_first(tmp_path: Path) -> None:
    found = _recorded(NESTED, tmp_path)
    growing = [site.function for site in found.having("growing")]
    assert growing[:2] == ["keep", "payload"]
    by_name = {site.function: site.growth_bytes_per_second.value for site in found.sites}
    assert by_name["payload"] > by_name["keep"]


@pytest.mark.parametrize(
    ("growth", "survival", "with_parts", "order"),
    [
        ([10, 8, 1], [1, 1, 1], [10, 18, 30], [1, 0, 2]),
        ([10, 8, 1], [1, 0.01, 1], [10, 18, 30], [0, 1, 2]),
        ([10, 8], [1, 1], [18, 8], [0, 1]),
        ([1, 10, 9], [1, 1, 1], [1, 10, 9], [1, 2, 0]),
        ([], [], [], []),
    ],
)
def test_order_is_that_of_growth_but_among_equals(
    growth: list[float], survival: list[float], with_parts: list[float], order: list[int]
) -> None:
    assert order_of_growth(growth, survival, with_parts) == order


@pytest.mark.parametrize(("collects", "verdicts"), [(True, {"sawtooth"}), (False, {"growing"})])
def test_garbage_that_a_full_collection_would_find_is_no_leak_where_the_collector_runs(
    collects: bool, verdicts: set[str], tmp_path: Path
) -> None:
    found = _recorded(GARBAGE.replace("COLLECTS", str(collects)), tmp_path, until=verdicts)
    nodes = [site for site in found.sites if site.function in ("tree", "__init__")]
    assert {site.verdict for site in nodes} == verdicts


def test_memory_in_a_free_list_of_the_interpreter_is_no_leak(tmp_path: Path) -> None:
    found = _recorded(FREE_LIST, tmp_path)
    assert not found.having("growing")


def _recorded(program: str, folder: Path, until: set[str] | None = None) -> Leaks:
    """The verdicts on a program; where a busy machine let it seem to slow down, of another run."""
    source, trace = folder / "app.py", folder / "app.mlyze"
    source.write_text(program)
    for _ in range(GOES):
        command = [sys.executable, "-m", "memlyze", "record", "-q", "-f", "--sample-rate", "1.0"]
        subprocess.run(
            [*command, "-o", trace, source],
            check=True,
            env=clean_environment(),
            cwd=folder,  # not where the sources are: `-m memlyze` would take those
            timeout=120,
        )
        with memlyze.open(trace) as opened:
            found = leaks(opened)
        if until is None or until & {site.verdict for site in found.sites}:
            break
    return found
