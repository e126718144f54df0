"""What is to be thought of a trace: leaks, and what differs from another."""

from __future__ import annotations

from memlyze.analyses.diff import diff
from memlyze.analyses.leaks import leaks
from memlyze.analyses.selection import Selection
from memlyze.web.requests import Asked


def suspects(asked: Asked) -> object:
    """`/api/leaks`: the form of `memlyze leaks --json`."""
    return leaks(asked.trace, count=asked.values["limit"], process_id=asked.values["process_id"])


def compared(asked: Asked) -> object:
    """`/api/compare`: the form of `memlyze diff --json`."""
    assert asked.base is not None
    return diff(
        asked.base,
        asked.trace,
        by=asked.values["by"],
        measure=asked.values["measure"],
        count=asked.values["limit"],
        selection=Selection(process=asked.values["process_id"]),
    )
