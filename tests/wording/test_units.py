from __future__ import annotations

import pytest

from memlyze.wording.units import format_bytes, format_count, format_duration, format_error


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "0.98 KiB"),
        (1024, "1.00 KiB"),
        (10.5 * 1024, "10.5 KiB"),
        (999.6 * 1024, "0.98 MiB"),
        (1536 << 20, "1.50 GiB"),
        (5 << 50, "5.00 PiB"),
        (5000 << 50, "5000 PiB"),
    ],
)
def test_bytes_have_three_digits_and_a_unit(size_bytes: float, text: str) -> None:
    assert format_bytes(size_bytes) == text


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0"), (999, "999"), (1000, "1.00 k"), (1234567, "1.23 M")]
)
def test_counts_have_three_digits(count: float, text: str) -> None:
    assert format_count(count) == text


@pytest.mark.parametrize(
    ("duration_ns", "text"),
    [
        (1500, "1.50 µs"),
        (12_340_000, "12.3 ms"),
        (59_900_000_000, "59.9 s"),
        (59_960_000_000, "1 min 00 s"),
        (125e9, "2 min 05 s"),
        (3720e9, "1 h 02 min"),
    ],
)
def test_durations_have_the_unit_that_fits(duration_ns: float, text: str) -> None:
    assert format_duration(duration_ns) == text


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [(100, 0, ""), (1000, 4, "±0.4 %"), (1e6, 400, "±<0.1 %"), (100, 25, "±25 %"), (0, 5, "±?")],
)
def test_error_is_a_share_of_the_value_and_absent_where_exact(
    value: float, error: float, text: str
) -> None:
    assert format_error(value, error) == text
