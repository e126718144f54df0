"""What the tests of reports share."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Callable

import pytest
from hostile_trace import write_hostile_trace

import memlyze
from memlyze.report.content import Content, gather


@pytest.fixture
def hostile_trace(tmp_path: Path) -> str:
    """The path of a trace whose program chose its names to do harm."""
    return write_hostile_trace(tmp_path / "hostile.mlyze")


@pytest.fixture
def content_of() -> Callable[..., Content]:
    """What a report says of a trace."""

    def content_of(
        path: str, title: str = "t.mlyze", notes: tuple[str, ...] = (), base: str | None = None
    ) -> Content:
        with contextlib.ExitStack() as stack:
            trace = stack.enter_context(memlyze.open(path))
            before = None if base is None else stack.enter_context(memlyze.open(base))
            return gather(trace, title=title, notes=notes, base=before)

    return content_of
