"""Text that is made to fit: what it says is kept, and what is to be typed is whole."""

from __future__ import annotations

import pytest

from memlyze.wording.fitting import shorten_middle, shorten_place, wrap


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("packages/server/loop.py:31 run", 30, "packages/server/loop.py:31 run"),
        ("packages/server/loop.py:31 run", 25, "…/server/loop.py:31 run"),
        ("packages/server/loop.py:31 run", 20, "…/loop.py:31 run"),
        ("packages\\server\\loop.py:31 run", 25, "…\\server\\loop.py:31 run"),
        ("/srv/loop.py:31 Server.run_until_closed", 25, "…/loop.py:31 Server.run_…"),
        ("packages/server/loop.py:31 run", 9, "…op.py:31"),
        ("Server.run_until_closed  packages/loop.py:31", 30, "Server.run_until… …/loop.py:31"),
        ("  │  └─ Server.run_until  packages/loop.py:31", 30, "  │  └─ Server.r… …/loop.py:31"),
        ("mostly in <frozen importlib._x>:729 load", 30, "mostly in …n importlib._x>:729"),
        ("run (packages/server/loop.py) ← main", 25, "run (…/loop.py) ← main"),
        ("GET /orders/{order}/lines", 12, "GET /orders…"),
    ],
)
def test_folders_give_way_before_file_and_line(text: str, width: int, expected: str) -> None:
    assert shorten_place(text, width) == expected


@pytest.mark.parametrize(
    "text",
    ["a/b.py:3 f", "f  a/b.py:3", "mostly in <frozen x>:7 f", "no place", "a (x/y.py) ← b"],
)
def test_nothing_is_longer_than_its_room(text: str) -> None:
    for width in range(1, len(text) + 1):
        assert len(shorten_place(text, width)) <= width
        assert len(shorten_middle(text, width)) <= width


def test_middle_of_a_route_gives_way() -> None:
    assert shorten_middle("GET /api/orders/{order}/lines", 20) == "GET /api/o…er}/lines"
    assert shorten_middle("GET /", 5) == "GET /"


def test_prose_is_broken_between_words_and_figures_are_whole() -> None:
    text = "  1 site grows by 1.53 MiB ±19 % per second"
    assert wrap(text, 25, indent="  ") == ["  1 site grows by", "  1.53 MiB ±19 % per", "  second"]
    assert wrap(text, 100) == [text]


def test_command_to_be_typed_is_never_broken() -> None:
    command = "memlyze leaks a-rather-long-name.mlyze"
    assert wrap("  Which lines:", 80, command=command) == [f"  Which lines: {command}"]
    assert wrap("  Which lines:", 30, indent="  ", command=command) == [
        "  Which lines:",
        f"  {command}",
    ]
