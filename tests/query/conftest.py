"""What the tests of queries share."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator

import pytest
from known_trace import write_known_trace

from memlyze.query.session import Trace, open_trace


@pytest.fixture
def path(tmp_path: Path) -> str:
    """The known trace, exact."""
    return write_known_trace(tmp_path / "exact.mlyze")


@pytest.fixture
def trace(path: str) -> Iterator[Trace]:
    """The known trace, exact, opened."""
    with open_trace(path) as opened:
        yield opened


@pytest.fixture
def sampled(tmp_path: Path) -> Iterator[Trace]:
    """The known trace as recorded with sampling, opened."""
    with open_trace(write_known_trace(tmp_path / "sampled.mlyze", sampled=True)) as opened:
        yield opened
