"""Caches with a maximum size are told from leaks by what holds their entries."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from command_line import clean_environment

import memlyze
from memlyze.analyses.leaks import leaks

PROGRAM = """
import functools

@functools.lru_cache(maxsize={maxsize})
def session(number):
    return []

for number in range(100_000):
    session(number).append(f"request {{number}}" * 5)
"""
LINE = 9
GOES = 3

# Of the line that calls it are the links of the cache, and its table; the keys are of another.
CALLED = """
import functools

@functools.lru_cache(maxsize=200_000)
def session(number):
    return bytes(300)

def ask(number):
    session(number)
for number in range(20_000):
    ask(number)
    sum(range(300))
"""


@pytest.mark.parametrize(
    ("maxsize", "verdict"),
    [
        (200_000, "warming_up"),
        (None, "growing"),
    ],
)
def test_what_fills_an_lru_cache_is_no_leak(
    maxsize: int | None, verdict: str, tmp_path: Path
) -> None:
    program, trace = tmp_path / "app.py", tmp_path / "app.mlyze"
    program.write_text(PROGRAM.format(maxsize=maxsize))
    said = [_verdict(program, trace)]
    # A machine that is busy with something else may let what grows seem to slow down.
    while verdict == "growing" and said[-1] != verdict and len(said) < GOES:
        said.append(_verdict(program, trace))
    assert said[-1] == verdict, said


def test_what_the_cache_itself_is_made_of_is_no_leak(tmp_path: Path) -> None:
    program = tmp_path / "app.py"
    program.write_text(CALLED)
    assert _verdict(program, tmp_path / "app.mlyze") == "warming_up"


def _verdict(program: Path, trace: Path) -> str:
    command = [sys.executable, "-m", "memlyze", "record", "-q", "-f", "--sample-rate", "1.0"]
    subprocess.run(
        [*command, "-o", trace, program],
        check=True,
        env=clean_environment(),
        cwd=trace.parent,  # not where the sources are: `-m memlyze` would take those
        timeout=120,
    )
    with memlyze.open(trace) as opened:
        found = leaks(opened)
    assert found.judged["growing"] == len(found.having("growing"))
    sites = {(Path(site.file).name, site.line): site.verdict for site in found.sites}
    return sites["app.py", LINE]
