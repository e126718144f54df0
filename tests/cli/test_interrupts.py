"""^C while a library is at work that makes an error of its own of it."""

from __future__ import annotations

import pytest

from memlyze.cli import interrupts


def test_error_that_a_library_makes_of_the_interrupt_is_the_interrupt() -> None:
    """DuckDB looks at signals itself, and may be faster than the thread that waits for them."""
    with pytest.raises(KeyboardInterrupt), interrupts.watched(lambda: None):
        raise RuntimeError("Query interrupted") from KeyboardInterrupt()


def test_other_errors_stay_what_they_are() -> None:
    with pytest.raises(RuntimeError, match="of its own"), interrupts.watched(lambda: None):
        raise RuntimeError("of its own") from ValueError()
