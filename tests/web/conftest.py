"""What the tests of the web server share."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator

import pytest
from known_trace import write_known_trace
from served import Served, serving


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the known trace, exact and sampled."""
    folder = tmp_path_factory.mktemp("traces")
    write_known_trace(folder / "exact.mlyze")
    write_known_trace(folder / "sampled.mlyze", sampled=True)
    return folder


@pytest.fixture(scope="module")
def served(folder: Path) -> Iterator[Served]:
    """A server of both."""
    with serving(folder / "exact.mlyze", folder / "sampled.mlyze") as running:
        yield running
