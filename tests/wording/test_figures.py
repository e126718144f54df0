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
    [
        (1, 3, "33 %"),
        (1, 100, "1.0 %"),
        (1, 1000, "0.1 %"),
        (1, 3000, "<0.1 %"),
        (0, 5, "0 %"),
        (5, 5, "100 %"),
        (1, 0, ""),
    ],
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


def _of_width(monkeypatch: pytest.MonkeyPatch, columns: int) -> Style:
    monkeypatch.setenv("COLUMNS", str(columns))
    return Style(Terminal(), {"TERM": "dumb"})


def _routes() -> Aligned:
    table = Aligned(right=(True, True, False, True, False), lesser=((3,), (1, 2)))
    table.add("count", "allocated", "", "at", "route")
    table.add("12", "3.00 MiB", "±8 %", "4 s", "GET /orders/{order}/lines/{line}")
    table.add("3", "~1.00 MiB", "(few samples)", "9 s", "GET /")
    return table


def test_lesser_columns_give_way_to_what_a_row_is_about(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures go with their errors, those missed least first, and no more than need be."""
    whole = _routes().lines()
    assert _routes().lines(style=_of_width(monkeypatch, 200)) == whole
    assert whole[2] == "      3  ~1.00 MiB  (few samples)  9 s  GET /"
    assert _routes().lines(style=_of_width(monkeypatch, 65)) == [
        "  count  allocated          at  route",
        "     12   3.00 MiB  ±8 %   4 s  GET /orders/{order}/lines/{line}",
        "      3  ~1.00 MiB  (few)  9 s  GET /",
    ]
    assert _routes().lines(style=_of_width(monkeypatch, 60)) == [
        "  count  allocated         route",
        "     12   3.00 MiB  ±8 %   GET /orders/{order}/lines/{line}",
        "      3  ~1.00 MiB  (few)  GET /",
    ]
    assert _routes().lines(style=_of_width(monkeypatch, 45)) == [
        "  count  route",
        "     12  GET /orders/{order}/lines/{line}",
        "      3  GET /",
    ]
    assert _routes().lines(style=_of_width(monkeypatch, 30))[1] == "     12  GET /orders/{order}/…"


def test_place_and_its_note_keep_file_and_line(monkeypatch: pytest.MonkeyPatch) -> None:
    table = Aligned(right=(True, False))
    table.add("7", "packages/server/loop.py:31 run", note="mostly in packages/server/h11.py:1002 f")
    assert table.lines(style=_of_width(monkeypatch, 30)) == [
        "  7  …/server/loop.py:31 run",
        "       mostly in …/h11.py:1002",
    ]
    assert table.lines()[1] == "       mostly in packages/server/h11.py:1002 f"


def test_prose_in_a_table_goes_on_beneath_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    table = Aligned(right=(False, False), wraps=True)
    table.add("live", "8.50 MiB ±16 %, growing since 2.30 s")
    table.add("at", "end")
    assert table.lines(style=_of_width(monkeypatch, 32)) == [
        "  live  8.50 MiB ±16 %, growing",
        "        since 2.30 s",
        "  at    end",
    ]
    assert table.lines() == ["  live  8.50 MiB ±16 %, growing since 2.30 s", "  at    end"]


def test_no_colour_leaves_plain_text() -> None:
    style = Style(Terminal(), {"TERM": "xterm", "NO_COLOR": "1"})
    table = Aligned(right=(True,))
    table.add("7", looks=["red"])
    assert table.lines(style=style) == ["  7"]
