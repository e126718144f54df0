"""Rows that stand for the frames of servers and frameworks."""

from __future__ import annotations

from typing import Any

import numpy as np

from memlyze.analyses.flame_columns import Frame
from memlyze.analyses.flame_folds import folds

ORIGINS = {"p": "program", "l": "library", "s": "standard library", "r": "runtime", "i": "runtime"}


def folded(*nodes: tuple[int, str, float]) -> list[int]:
    """The folds of nodes given as parent, origin and size; the root stands before them."""
    frames = [
        Frame(
            f"function{k}",
            "<frozen importlib._bootstrap>" if kind == "i" else f"{kind}.py",
            None,
            kind,
            ORIGINS[kind],
        )
        for k, (_, kind, _) in enumerate(nodes)
    ]
    parent: Any = np.array([-1, *(parent for parent, _, _ in nodes)])
    size: Any = np.array([100.0, *(size for _, _, size in nodes)])
    return list(folds(frames, parent, np.arange(-1, len(nodes)), size).start.tolist())


def test_frames_outside_of_the_program_that_lead_to_it_are_one_row() -> None:
    chain = [(0, "r", 100), (1, "l", 100), (2, "s", 95), (3, "l", 90), (4, "p", 90)]
    assert folded(*chain) == [-1, 1, 1, 1, 1, -1]


def test_few_frames_are_shown() -> None:
    assert folded((0, "l", 100), (1, "l", 100), (2, "l", 95), (3, "p", 90)) == [-1] * 5


def test_frames_of_libraries_that_the_program_calls_are_shown() -> None:
    chain = [(0, "p", 100), (1, "l", 100), (2, "l", 95), (3, "l", 90), (4, "l", 90)]
    assert folded(*chain) == [-1] * 6


def test_frames_through_which_a_library_is_imported_are_one_row() -> None:
    first = [(0, "p", 100), (1, "i", 100), (2, "i", 100), (3, "i", 98), (4, "i", 98)]
    second = [(5, "l", 60), (6, "i", 60), (7, "i", 60), (8, "i", 60), (9, "i", 60), (10, "l", 60)]
    beside = [(5, "i", 38)]
    chain = [*first, *second, *beside]
    assert folded(*chain) == [-1, -1, *[2] * 4, -1, *[7] * 4, -1, -1]


def test_frames_of_the_import_machinery_that_lead_to_no_module_are_shown() -> None:
    chain = [(0, "p", 100), (1, "i", 100), (2, "i", 100), (3, "i", 98), (4, "i", 98)]
    assert folded(*chain) == [-1] * 6


def test_row_ends_where_the_way_parts_and_goes_on_below() -> None:
    way = [(0, "l", 100), (1, "l", 100), (2, "l", 100), (3, "s", 100)]
    first = [(4, "l", 60), (5, "l", 60), (6, "l", 55), (7, "l", 55), (8, "p", 50)]
    second = [(4, "l", 40), (10, "l", 40), (11, "l", 40), (12, "l", 40)]
    assert folded(*way, *first, *second) == [-1, *[1] * 4, *[5] * 4, -1, *[-1] * 4]


def test_small_side_way_does_not_end_a_row() -> None:
    chain = [(0, "l", 100), (1, "l", 95), (2, "l", 90), (3, "l", 80), (4, "p", 80), (2, "l", 5)]
    assert folded(*chain) == [-1, 1, 1, 1, 1, -1, -1]


def test_tree_of_nothing_but_its_root_has_no_rows() -> None:
    assert folded() == [-1]


def test_row_names_its_packages_in_their_order() -> None:
    modules = ["runpy", "uvicorn.main", "click.core", "uvicorn.server", "asyncio.events"]
    frames = [Frame("run", "run.py", None, module, "library") for module in modules]
    frames.append(Frame("handle", "app.py", None, "app", "program"))
    size: Any = np.full(7, 1.0)
    labels = folds(frames, np.arange(-1, 6), np.arange(-1, 6), size).labels
    assert labels == {1: "5 frames of runpy, uvicorn, click, asyncio"}


def test_row_ends_where_a_second_way_leads_to_the_program() -> None:
    start = [(0, "l", 100), (1, "l", 100), (2, "l", 100), (3, "l", 100)]
    requests = [(4, "l", 85), (5, "l", 85), (6, "l", 85), (7, "l", 85), (8, "p", 85)]
    importing = [(4, "r", 15), (10, "r", 15), (11, "r", 15), (12, "r", 15), (13, "p", 15)]
    assert folded(*start, *requests, *importing) == [-1, *[1] * 4, *[5] * 4, -1, *[10] * 4, -1]


def test_second_way_too_small_to_be_seen_does_not_end_a_row() -> None:
    chain = [(0, "l", 100), (1, "l", 100), (2, "l", 99), (3, "l", 99), (4, "p", 99), (2, "p", 0.5)]
    assert folded(*chain) == [-1, 1, 1, 1, 1, -1, -1]
