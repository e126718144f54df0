"""What is to be thought of a trace: leaks, and what differs from another."""

from __future__ import annotations

from memlyze.analyses.leaks import leaks
from memlyze.web.requests import Asked


def suspects(asked: Asked) -> object:
    """`/api/leaks`: the form of `memlyze leaks --json`."""
    return leaks(asked.trace, count=asked.values["limit"], process_id=asked.values["process_id"])
