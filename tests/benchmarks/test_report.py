"""The tables go between their markers, and every table has a place on the page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from harness import accuracy, report
from harness.results import Results

PAGE = Path(__file__).resolve().parents[2] / "docs" / "performance.md"
MARKERS = re.compile(r"<!-- table: ([a-z ]+) -->")

OUR_PAGE = {
    "tool": "memlyze",
    "millions": 1,
    "usableMs": [1400.0, 1200.0, 1600.0],
    "brushMs": {
        key: [*range(1, 50), 900.0] for key in ("timeline", "flamegraph", "inverted", "hotspots")
    },
    "frameMs": {
        "paced": {
            "zoom": {"between": [16.7, 16.7, 33.4], "work": [5.0, 6.0, 31.0]},
            "pan": {"between": [16.7], "work": [5.0]},
        },
        "unpaced": {
            "zoom": {"between": [7.0, 8.0, 30.0], "work": [5.0]},
            "pan": {"between": [6.0], "work": [5.0]},
        },
    },
    "liveMs": [300.0, 500.0],
    "serverBytes": 2e8,
    "firstLoadBytes": 3e5,
}


def test_page_is_shown_with_what_is_asked_of_it(tmp_path: Path) -> None:
    results = Results(tmp_path / "results.json")
    results.begin("page", "", fresh=True)
    results.add("page", OUR_PAGE)
    shown = report.TABLES["page"](results)
    assert "| < 1.5 s | 1.40 s | – |" in shown
    assert "| < 150 ms | 48 ms | – |" in shown  # 47.5 of 50 brushes: the 48th
    assert "| < 16 ms, < 32 ms | 8.0 ms, 30.0 ms | – |" in shown  # as many as can be made
    assert "| < 32 ms | 16.7 ms, 33.4 ms | – |" in shown
    assert "| < 16 ms, < 32 ms | 6.0 ms, 31.0 ms | – |" in shown


def test_every_table_has_its_place_on_the_page() -> None:
    assert sorted(MARKERS.findall(PAGE.read_text(encoding="utf-8"))) == sorted(report.TABLES)


def test_text_around_the_tables_stays(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "before\n<!-- table: page -->\nformer table\n<!-- end of table -->\nafter\n",
        encoding="utf-8",
    )
    results = Results(tmp_path / "results.json")
    report.write(results, page)
    assert "former table" in page.read_text(encoding="utf-8")
    results.begin("page", "", fresh=True)
    results.add("page", OUR_PAGE)
    report.write(results, page)
    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n<!-- table: page -->\n\n| figure | 1 M: asked |")
    assert text.endswith("\n\n<!-- end of table -->\nafter\n")
    assert "former" not in text


def test_page_is_the_same_when_written_twice(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE.read_text(encoding="utf-8"), encoding="utf-8")
    results = Results(tmp_path / "results.json")
    report.write(results, page)
    once = page.read_text(encoding="utf-8")
    report.write(results, page)
    assert page.read_text(encoding="utf-8") == once


def test_nothing_is_called_reached_before_it_is_measured(tmp_path: Path) -> None:
    lines = report.TABLES["summary"](Results(tmp_path / "results.json")).splitlines()[2:]
    assert lines
    assert all("| not measured |" in line and line.endswith("|  |") for line in lines)


def site(
    size: float, error: float = 0.0, samples: int = 50, few: bool = False
) -> dict[str, object]:
    return {"bytes": size, "bytes_error": error, "samples": samples, "too_few_samples": few}


def test_interval_holds_the_exact_value_or_does_not() -> None:
    exact = {"label": "exact", "sites": {"a": site(100.0), "b": site(50.0), "c": site(9.0)}}
    sampled = {
        "label": "default",
        "sites": {"a": site(110.0, error=11.0), "b": site(60.0, error=9.0)},
    }
    found = accuracy.compare([exact, sampled, exact])["default"]
    assert (found["shown"], found["held"], found["unseen"]) == (2, 1, 1)


def test_interval_is_held_to_be_no_better_than_the_exact_value_is_known() -> None:
    exact = {"label": "exact", "sites": {"a": site(800_000.0), "b": site(800_000.0)}}
    sampled = {"label": "default", "sites": {"a": site(799_992.0), "b": site(790_000.0)}}
    found = accuracy.compare([exact, sampled, exact])["default"]
    assert (found["shown"], found["held"]) == (2, 1)


def test_site_that_exact_recordings_disagree_about_is_left_out() -> None:
    recordings = [
        {"label": "exact", "sites": {"a": site(100.0)}},
        {"label": "default", "sites": {"a": site(100.0, error=10.0)}},
        {"label": "exact", "sites": {"a": site(120.0)}},
    ]
    found = accuracy.compare(recordings)
    assert found["unsteady_sites"] == 1
    assert found["default"]["shown"] == 0


def test_too_few_samples_are_counted_apart() -> None:
    exact = {"label": "exact", "sites": {"a": site(100.0)}}
    sampled = {"label": "default", "sites": {"a": site(10.0, error=5.0, samples=2, few=True)}}
    found = accuracy.compare([exact, sampled, exact])["default"]
    assert (found["shown"], found["too_few"], found["too_few_held"]) == (0, 1, 0)


def test_few_intervals_leave_much_open() -> None:
    low, high = accuracy.plausible_range(held=9, shown=10)
    assert low < 0.65 and high > 0.97
    low, high = accuracy.plausible_range(held=9000, shown=10000)
    assert (low, high) == pytest.approx((0.9, 0.9), abs=0.01)
