"""The call tree in the terminal."""

from __future__ import annotations

import io

from memlyze.analyses.estimates import Estimate
from memlyze.analyses.flamegraph import FlameGraph, FlameNode, Frame
from memlyze.cli.call_tree import tree_lines
from memlyze.cli.terminal import Style

ORIGINS = {
    "gunicorn": "library",
    "flask": "library",
    "app": "program",
    "shop": "program",
    "importlib": "runtime",
}


def graph(*nodes: tuple[int, str, float], is_inverted: bool = False) -> FlameGraph:
    """A tree of nodes given as parent, module and bytes; the root stands before them."""
    frames = tuple(
        Frame(f"call{number}", "call.py", number, module, ORIGINS[module])
        for number, (_, module, _) in enumerate(nodes, 1)
    )
    nothing = Estimate(0.0, 0.0)
    made = [
        FlameNode(parent, frame, Estimate(size, 0.0), nothing, nothing, 1, None, None)
        for frame, (parent, _, size) in enumerate([(-1, "", 900.0), *nodes], -1)
    ]
    return FlameGraph(frames, tuple(made), is_inverted=is_inverted, is_cut=False)


WAY = [(0, "gunicorn", 900), (1, "gunicorn", 900), (2, "flask", 900), (3, "flask", 900)]
REQUESTS = [*WAY, (4, "app", 800), (2, "gunicorn", 50)]
SEPARATE = ["call1", "call2", "├─ call3", "│  call4", "│  └─ call5", "└─ call6"]


def shown(found: FlameGraph, *, all_frames: bool = False, unfold: bool = False) -> list[str]:
    """What the rows are called, without their figures and files."""
    style = Style(io.StringIO())
    lines = tree_lines(found, 0.01, style, all_frames=all_frames, unfold=unfold)
    return [line.partition(" B ")[2].lstrip().partition("  call.py")[0] for line in lines[2:]]


def test_frames_of_servers_that_lead_to_the_program_are_one_row() -> None:
    """What any of them called is beneath it."""
    assert shown(graph(*REQUESTS)) == ["▸ 4 frames of gunicorn, flask", "├─ call5", "└─ call6"]


def test_each_frame_is_shown_on_request() -> None:
    assert shown(graph(*REQUESTS), unfold=True) == SEPARATE
    assert shown(graph(*REQUESTS), all_frames=True) == SEPARATE


def test_nothing_is_folded_where_the_innermost_come_first() -> None:
    assert shown(graph(*REQUESTS, is_inverted=True)) == SEPARATE


def test_row_of_frames_that_no_person_wrote_is_left_out() -> None:
    importing = [
        (0, "app", 900),
        *((k, "importlib", 900) for k in range(1, 5)),
        (5, "shop", 900),
    ]
    found = graph(*importing)
    assert shown(found) == ["call1", "call6"]
    assert len(shown(found, all_frames=True)) == 6
