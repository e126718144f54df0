from __future__ import annotations

import pytest

from memlyze.analyses.command_lines import short_command
from memlyze.analyses.diff import Change
from memlyze.analyses.estimates import Estimate
from memlyze.wording.changes import change_share
from memlyze.wording.names import WIDEST_NAME, short_name
from memlyze.wording.places import short_place


def test_long_names_are_cut_where_many_are_shown() -> None:
    name = short_name("f" * 10_000)
    assert (len(name), name[-1]) == (WIDEST_NAME, "…")
    assert len(short_place("\x1b" * 10_000, "/srv/app/main.py", 3)) < 2 * WIDEST_NAME
    assert short_name("load") == "load"


def test_lines_that_grow_together_are_told_in_words() -> None:
    file = "/srv/app/main.py"
    assert short_place("<several functions>", file, 0) == f"{file} several functions"
    assert short_place("<several functions>", "<several files>", 0) == "lines of several files"


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [(100, 119, "(+19 %)"), (100, 50.5, "(−49.5 %)"), (1, 93.6, "(+9260 %)"), (0, 5, "(new)")],
)
def test_change_is_told_as_a_share(before: float, after: float, text: str) -> None:
    first, second = Estimate(before, 0), Estimate(after, 0)
    change = Change(first, second, Estimate(after - before, 0), 0.0, True)
    assert change_share(change) == text


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("python app.py --spawn", "python app.py --spawn"),
        (
            "/usr/bin/python -B -c 'from multiprocessing.spawn import spawn_main; "
            "spawn_main(tracker_fd=6, pipe_handle=13)' --multiprocessing-fork",
            "multiprocessing: process started by spawn",
        ),
        (
            "python -c 'from multiprocessing.resource_tracker import main;main(5)'",
            "multiprocessing: resource tracker",
        ),
        (
            "python -c 'from multiprocessing.forkserver import main; main(3, 4, [])'",
            "multiprocessing: fork server and what it forked",
        ),
    ],
)
def test_commands_of_multiprocessing_are_called_what_they_are(typed: str, shown: str) -> None:
    assert short_command(typed) == shown
