"""Processes that ended while others went on: with each goes what was live in it."""

from __future__ import annotations

from memlyze.analyses.remembered import remembered
from memlyze.analyses.statements import run_statement
from memlyze.query.session import Trace


def ended_processes(trace: Trace) -> dict[int, int]:
    """When each of them ended, in nanoseconds of the trace, by its id."""

    def ask() -> dict[int, int]:
        rows = run_statement(trace, "ended_processes")
        return {row["process_id"]: row["end_ns"] for row in rows}

    return remembered(trace, "ended processes", ask, of="processes")
