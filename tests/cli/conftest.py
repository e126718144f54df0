"""What the tests of the command line share."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest
from command_line import Runner, run_python


@pytest.fixture
def memlyze(tmp_path: Path) -> Runner:
    """Runs `memlyze` in an empty folder."""
    return functools.partial(run_python, "-m", "memlyze", cwd=tmp_path)
