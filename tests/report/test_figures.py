"""Figures and places are written as a person reads them."""

from __future__ import annotations

import pytest

from memlyze.analyses.estimates import Estimate
from memlyze.report.figures import bytes_text, frame_text, nice_step, percent, place_text
from memlyze.report.markup import readable


@pytest.mark.parametrize(
    "estimate, text",
    [
        (Estimate(2048, 0), "2.00 KiB"),
        (Estimate(2048, 204.8), "2.00 KiB ±10 %"),
        (Estimate(2048, 2000), "~2.00 KiB (few samples)"),
        (Estimate(0, 0), "0 B"),
    ],
)
def test_estimate_has_its_error_or_says_that_there_is_none(estimate: Estimate, text: str) -> None:
    assert bytes_text(estimate) == text


@pytest.mark.parametrize(
    "file, line, place",
    [
        ("/srv/app/main.py", 3, "main.py:3"),
        ("/srv/application/x.py", 3, "/srv/application/x.py:3"),
        ("/usr/lib/python3.11/json/decoder.py", 3, "json/decoder.py:3"),
        ("/v/lib/python3.11/site-packages/numpy/core.py", 3, "numpy/core.py:3"),
        ("main.py", 0, "main.py"),
        ("<unknown>", 0, ""),
        ("", None, ""),
    ],
)
def test_place_is_short_and_tells_where(file: str, line: int | None, place: str) -> None:
    assert place_text(file, line, "/srv/app") == place


@pytest.mark.parametrize(
    "function, file, text",
    [
        (
            "<module>",
            "/v/lib/python3.11/site-packages/django/http/x.py",
            "<module> django/http/x.py",
        ),
        ("<lambda>", "/srv/app/shop/main.py", "<lambda> shop/main.py"),
        ("Node.<locals>.<listcomp>", "/srv/app/main.py", "Node.<locals>.<listcomp>"),
        ("load", "/srv/app/main.py", "load"),
        ("<unknown>", "<unknown>", "(no Python code)"),
        ("<module>", "", "<module>"),
    ],
)
def test_bar_without_a_name_of_its_own_is_told_by_its_file(
    function: str, file: str, text: str
) -> None:
    assert frame_text(function, file, "/srv/app") == text


def test_small_shares_keep_a_digit() -> None:
    assert [percent(share) for share in (0, 0.004, 0.1, 1)] == ["0 %", "0.4 %", "10 %", "100 %"]


@pytest.mark.parametrize("greatest, step", [(1, 0.2), (3.7, 1), (80, 20), (1e6, 2e5), (1e-9, 0.1)])
def test_axis_has_few_round_steps(greatest: float, step: float) -> None:
    assert nice_step(greatest, 5, (0.1, 0.2, 0.5), 10) == pytest.approx(step)


def test_text_that_is_too_long_keeps_both_ends() -> None:
    text = readable("a" * 500 + "b" * 500, 20)
    assert (len(text), text[:3], text[-3:]) == (20, "aaa", "bbb")
