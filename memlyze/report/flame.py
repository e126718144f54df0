"""The flame graphs: the data that the page's script draws, and the same as a table."""

from __future__ import annotations

import json
import typing

import numpy as np

from memlyze.analyses.estimates import FEW_SAMPLES_ERROR, Estimate
from memlyze.analyses.flame_columns import FlameColumns, Frame
from memlyze.analyses.flame_folds import folds
from memlyze.report.content import Content, Graph
from memlyze.report.figures import (
    bytes_parts,
    bytes_text,
    frame_text,
    function_text,
    percent,
    place_text,
    time_text,
)
from memlyze.report.markup import Element, h, name, place, readable
from memlyze.wording.units import format_bytes

_ORIGINS = ("program", "library", "standard library", "runtime", "native")
_ROWS = 40
_LONGEST = 120


def flame_section(content: Content) -> Element | None:
    """The graphs, drawn by the script; without it the table is there. None: nothing to draw."""
    if not content.graphs:
        return None
    options = [
        h("button", {"type": "button", "aria-pressed": "false", "data-graph": number}, graph.label)
        for number, graph in enumerate(content.graphs)
    ]
    return h(
        "section",
        {"id": "flame"},
        h("h2", None, "Flame graph"),
        h(
            "p",
            {"class": "quiet"},
            "Each bar is a call, as wide as what it and all that it called account for; callers "
            "are above. Click to enlarge a call or to unfold those of libraries, type to find one.",
        ),
        h(
            "div",
            {"class": "toolbar script"},
            h(
                "div",
                {"class": "segmented", "role": "group", "aria-label": "What is shown"},
                *options,
            ),
            h(
                "input",
                {
                    "type": "search",
                    "id": "find",
                    "placeholder": "Find function or file",
                    "aria-label": "Find function or file",
                },
            ),
            h("button", {"type": "button", "id": "fold", "aria-pressed": "true"}, "Fold libraries"),
            h("button", {"type": "button", "id": "reset", "hidden": "hidden"}, "Show all"),
            h("output", {"id": "found"}),
        ),
        h(
            "div",
            {"class": "canvas script"},
            h(
                "canvas",
                {
                    "id": "canvas",
                    "tabindex": 0,
                    "role": "img",
                    "aria-label": "Flame graph. Arrow keys move, Enter enlarges, Escape shows all; "
                    "the table below has the figures.",
                    "aria-describedby": "call",
                },
            ),
        ),
        h("p", {"class": "call script", "id": "call", "aria-live": "polite"}),
        h(
            "p",
            {"class": "legend"},
            *(
                h("span", {"class": "origin-" + kind.replace(" ", "-")}, kind)
                for kind in _ORIGINS[:4]
            ),
        ),
        *(_table(graph, content.folder) for graph in content.graphs),
    )


def flame_data(content: Content) -> str:
    """What the script draws, as JSON that may stand in a page."""
    frames: dict[Frame, int] = {}
    graphs = []
    for label, columns in content.graphs:
        places = [frames.setdefault(frame, len(frames)) for frame in columns.frames]
        graphs.append({"label": label, "isCut": columns.is_cut, **_nodes(columns, places)})
    described = [_frame(frame, content.folder) for frame in frames]
    text = json.dumps(
        {"timeline": _slices(content), "frames": described, "graphs": graphs}, separators=(",", ":")
    )
    return text.replace("<", "\\u003c")


def _slices(content: Content) -> list[str]:
    """What is said of each slice of the timeline on hovering."""
    return [
        "\n".join(
            (
                f"{time_text(part.start_ns)} to {time_text(part.end_ns)}",
                f"resident: {'unknown' if part.rss is None else format_bytes(part.rss)}",
                f"live, at most: {format_bytes(part.peak_live_bytes)}",
                f"allocated: {bytes_text(part.allocated_bytes)}",
            )
        )
        for part in content.timeline.slices
    ]


def _frame(frame: Frame, folder: str) -> list[str | int]:
    origin = _ORIGINS.index(frame.origin) if frame.origin in _ORIGINS else len(_ORIGINS) - 1
    function = readable(frame_text(frame.function, frame.file, folder), _LONGEST)
    return [function, readable(place_text(frame.file, frame.line, folder), _LONGEST), origin]


def _nodes(graph: FlameColumns, places: typing.Sequence[int]) -> dict[str, typing.Any]:
    """The columns of the nodes; figures that rest on too few samples have the error −1. `rows` says
    what each node is called into which others are folded.
    """
    start, labels = folds(
        graph.frames, graph.parent, graph.frame, graph.bytes, is_inverted=graph.is_inverted
    )
    rests_on_few = graph.bytes_error > FEW_SAMPLES_ERROR * np.abs(graph.bytes)
    columns = {
        "fold": start,
        "parent": graph.parent,
        "frame": np.append(places, -1)[graph.frame],  # −1 for the root
        "bytes": np.rint(graph.bytes),
        "error": np.where(rests_on_few, -1, np.rint(graph.bytes_error)),
        "self": np.rint(graph.self_bytes),
    }
    made: dict[str, typing.Any] = {
        name: column.astype(np.int64).tolist() for name, column in columns.items()
    }
    made["rows"] = {place: readable(label, _LONGEST) for place, label in labels.items()}
    return made


def _table(graph: Graph, folder: str) -> Element:
    """The calls that have most by themselves."""
    columns = graph.columns
    total = columns.total.value or 1
    rows = 1 + np.argsort(-columns.self_bytes[1:], kind="stable")[:_ROWS]
    body = []
    for row in rows.tolist():
        frame = columns.frames[columns.frame[row]]
        value, error = bytes_parts(
            Estimate(float(columns.bytes[row]), float(columns.bytes_error[row]))
        )
        body.append(
            h(
                "tr",
                None,
                h(
                    "td",
                    None,
                    h("code", None, name(function_text(frame.function))),
                    h("small", None, place(place_text(frame.file, frame.line, folder))),
                ),
                h("td", {"class": "n"}, percent(float(columns.self_bytes[row]) / total)),
                h("td", {"class": "n"}, value),
                h("td", {"class": "e"}, error),
            )
        )
    return h(
        "details",
        None,
        h("summary", None, f"{graph.label}, as a table"),
        h(
            "div",
            {"class": "wide"},
            h(
                "table",
                None,
                h(
                    "thead",
                    None,
                    h(
                        "tr",
                        None,
                        h("th", None, "call"),
                        h("th", {"class": "n"}, "itself"),
                        h("th", {"class": "n", "colspan": 2}, "with what it called"),
                    ),
                ),
                h("tbody", None, *body),
            ),
        ),
    )
