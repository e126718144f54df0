"""The progress bar is for long work that somebody watches."""

from __future__ import annotations

import io
import threading
from typing import Any, cast

import pytest

from memlyze.cli import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class HalfDecoded:
    """Stands for a trace whose decoding has come half way, and stays there until it was shown."""

    def __init__(self) -> None:
        self.event_count = 1000
        self.was_looked_at = threading.Event()

    @property
    def files(self) -> list[HalfDecoded]:
        return [self]

    @property
    def events_decoded(self) -> int:
        self.was_looked_at.set()
        return 500


@pytest.fixture
def trace(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(progress, "_PATIENCE_S", 0.01)
    return HalfDecoded()


def test_bar_is_shown_on_a_terminal_and_taken_away(
    trace: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = Terminal()
    monkeypatch.setattr("sys.stderr", stream)
    with progress.decoding_progress(trace):
        assert trace.was_looked_at.wait(60)
    shown = stream.getvalue()
    assert " 50 %" in shown
    assert shown.endswith(" \r")


def test_nothing_is_shown_where_nobody_looks(trace: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    before = threading.active_count()
    with progress.decoding_progress(cast(Any, trace)):
        assert threading.active_count() == before
    assert stream.getvalue() == ""


@pytest.mark.parametrize(("done", "text"), [(0, "  0 %"), (333, " 33 %"), (1000, "100 %")])
def test_bar_has_one_length(done: int, text: str) -> None:
    shown = progress.bar(done, 1000)
    assert shown.endswith(text)
    assert len(shown) == len(progress.bar(0, 1000))
