"""Processes that ended while others went on: with each goes what was live in it."""

from __future__ import annotations

from memlyze.query.session import Trace


def ended_processes(trace: Trace) -> dict[int, int]:
    """When each of them ended, in nanoseconds of the trace, by its id."""
    ends = trace.made_table("process_ends")
    is_over = ends["is_over"]
    return dict(zip(ends["process_id"][is_over].tolist(), ends["end_ns"][is_over].tolist()))
