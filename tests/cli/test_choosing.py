"""Times on the command line."""

from __future__ import annotations

import pytest

from memlyze.cli.choosing import parse_time
from memlyze.cli.errors import UsageError


@pytest.mark.parametrize(
    "text, time_ns",
    [
        ("1.5s", 1_500_000_000),
        ("2", 2_000_000_000),
        ("250ms", 250_000_000),
        ("2 min", 120_000_000_000),
        ("1h", 3_600_000_000_000),
        (".5us", 500),
        ("7ns", 7),
    ],
)
def test_time_with_a_unit(text: str, time_ns: int) -> None:
    assert parse_time(text) == time_ns


@pytest.mark.parametrize("text", ["", "soon", "-1s", "1 day", "1e9", "nan", "1.2.3s"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(UsageError, match="is no time"):
        parse_time(text)
