"""Figures with error bars, sparklines, and tables that are coloured and cut to the terminal."""

from __future__ import annotations

import io

import pytest

from memlyze.analyses.estimates import Estimate
from memlyze.cli.sparkline import bar, sparkline
from memlyze.cli.terminal import Aligned, Style
from memlyze.wording.figures import figure, figure_cells, share_cell


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> Style:
    """A coloured terminal of 20 columns."""
    monkeypatch.setenv("COLUMNS", "20")
    return Style(Terminal(), {"TERM": "xterm"})


@pytest.mark.parametrize(
    ("estimate", "expected"),
    [
        (Estimate(2048, 0), ("2.00 KiB", "")),
        (Estimate(2048, 204.8), ("2.00 KiB", "±10 %")),
        (Estimate(2048, 2000), ("~2.00 KiB", "(few samples)")),
        (Estimate(-2048, 204.8), ("-2.00 KiB", "±10 %")),
        (Estimate(0, 0), ("0 B", "")),
        (Estimate(0, 2000), ("~0 B", "")),
    ],
)
def test_estimate_has_its_error_bar(estimate: Estimate, expected: tuple[str, str]) -> None:
    assert figure_cells(estimate) == expected
    assert figure(estimate) == " ".join(part for part in expected if part)


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [(1, 3, "33 %"), (1, 100, "1.0 %"), (0, 5, "0 %"), (5, 5, "100 %"), (1, 0, "")],
)
def test_share(part: float, whole: float, text: str) -> None:
    assert share_cell(part, whole) == text


def test_sparkline_is_as_high_as_the_share_of_the_greatest() -> None:
    assert sparkline([0, 1, 4, 8, None, 0.1]) == "▁▂▅█ ▁"
    assert sparkline([None, 0]) == " ▁"
    assert sparkline([1, 8, 4, 4], 2) == "█▅"
    assert sparkline([]) == ""


def test_bar_is_in_eighths() -> None:
    assert bar(10, 10, 3) == "███"
    assert bar(5, 10, 3) == "█▌"
    assert bar(0.001, 10, 3) == "▏"
    assert bar(0, 10, 3) == ""


def test_coloured_row_is_cut_to_the_width_of_the_terminal(narrow: Style) -> None:
    table = Aligned(right=(True, False))
    table.add("7", "a rather long text", looks=["red", ""])
    (line,) = table.lines(style=narrow)
    assert line == "\x1b[31m  7\x1b[0m  a rather long …"


def test_no_colour_leaves_plain_text() -> None:
    style = Style(Terminal(), {"TERM": "xterm", "NO_COLOR": "1"})
    table = Aligned(right=(True,))
    table.add("7", looks=["red"])
    assert table.lines(style=style) == ["  7"]
