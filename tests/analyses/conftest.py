"""What the tests of analyses share."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator

import pytest
from known_trace import write_known_trace

import memlyze
from memlyze.query.session import Trace


@pytest.fixture
def known(tmp_path: Path) -> Iterator[Trace]:
    """The known trace, exact, opened."""
    with memlyze.open(write_known_trace(tmp_path / "known.mlyze")) as trace:
        yield trace


@pytest.fixture
def sampled(tmp_path: Path) -> Iterator[Trace]:
    """The known trace as recorded with sampling, opened."""
    path = write_known_trace(tmp_path / "sampled.mlyze", sampled=True)
    with memlyze.open(path) as trace:
        yield trace
