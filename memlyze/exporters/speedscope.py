"""speedscope's own format (https://www.speedscope.app/file-format-schema.json): two profiles of the
same stacks, one in bytes and one in allocations.
"""

from __future__ import annotations

import io
import json
import typing

import memlyze
from memlyze.exporters.collapsed import sum_by_stack
from memlyze.exporters.request import Request
from memlyze.exporters.stack_walk import Frame, StackWalk
from memlyze.query.session import Trace

_SCHEMA = "https://www.speedscope.app/file-format-schema.json"
_FIGURES = (("bytes", "bytes"), ("allocations", "none"))


def write_speedscope(trace: Trace, request: Request, file: typing.BinaryIO, *, name: str) -> int:
    """Write the stacks, with `name` as the title; return how many.

    Stacks are written one by one: what they take together is never in memory.
    """
    totals = request.totals(trace)
    walk = StackWalk(trace, totals.stack_id)
    out = io.TextIOWrapper(file, encoding="utf-8", errors="backslashreplace", write_through=False)
    shared = {"frames": [_frame(frame) for frame in walk.frames]}
    head = {
        "$schema": _SCHEMA,
        "name": name,
        "exporter": f"memlyze@{memlyze.__version__}",
        "activeProfileIndex": 0,
        "shared": shared,
    }
    out.write(json.dumps(head)[:-1] + ', "profiles": [')
    written = 0
    for number, ((noun, unit), figures) in enumerate(zip(_FIGURES, totals.figures(request.what))):
        summed = sum_by_stack(totals.stack_id, figures)
        profile = {
            "type": "sampled",
            "name": f"{request.what}, {noun}",
            "unit": unit,
            "startValue": 0,
            "endValue": sum(summed.values()),
        }
        out.write((", " if number else "") + json.dumps(profile)[:-1] + ', "samples": [')
        weights: list[int] = []
        for stack_id, places in walk.walk("", _extend):
            weight = summed.get(stack_id)
            if weight:
                out.write(f"{', ' if weights else ''}[{places}]")
                weights.append(weight)
        out.write(f'], "weights": {json.dumps(weights)}}}')
        written = max(written, len(weights))
    out.write("]}\n")
    out.detach()
    return written


def _extend(outer: str, frame: int) -> str:
    return f"{outer},{frame}" if outer else str(frame)


def _frame(frame: Frame) -> dict[str, object]:
    described: dict[str, object] = {"name": frame.function}
    if frame.file:
        described["file"] = frame.file
    if frame.line:
        described["line"] = frame.line
    return described
