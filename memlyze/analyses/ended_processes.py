"""Processes that ended while others went on: with each goes what was live in it."""

from __future__ import annotations

import typing

from memlyze.query.session import Trace


def ended_processes(trace: Trace) -> dict[int, int]:
    """When each of them ended, in nanoseconds of the trace, by its id."""
    ends = trace.made_table("process_ends")
    is_over = ends["is_over"]
    return dict(zip(ends["process_id"][is_over].tolist(), ends["end_ns"][is_over].tolist()))


def most_at_once(trace: Trace, process_ids: typing.Collection[int]) -> int:
    """How many of these processes ran at one time, at most."""
    processes, ends = trace.table("processes"), trace.made_table("process_ends")
    end_ns = dict(zip(ends["process_id"].tolist(), ends["end_ns"].tolist()))
    moments = []
    for process_id, start_ns in zip(processes["process_id"].tolist(), processes["start_ns"]):
        if process_id in process_ids:
            # One that begins in the moment in which another ends runs after it.
            moments += [(int(start_ns), 1), (end_ns[process_id], -1)]
    running = most = 0
    for _, change in sorted(moments):
        running += change
        most = max(most, running)
    return most
