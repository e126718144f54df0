"""What the resident memory consisted of when it was greatest."""

from __future__ import annotations

import typing

from memlyze.analyses.statements import run_statement
from memlyze.query.session import Trace


class Part(typing.NamedTuple):
    """A category of resident memory, as the view `rss_explained` names it."""

    category: str
    resident_bytes: int
    reserved_bytes: int
    share: float
    """Of the resident memory, from 0 to 1."""


class ResidentMemory(typing.NamedTuple):
    """The resident memory of a process at one moment, and its parts, greatest first."""

    time_ns: int
    bytes: int
    parts: tuple[Part, ...]


def explain_peak(trace: Trace, process_id: int) -> ResidentMemory | None:
    """The snapshot of a process that saw most resident memory; None where none was taken.

    Snapshots are rarer than ticks of the memory clock: the peak itself may have been higher.
    """
    rows = run_statement(trace, "resident_memory", {"process_id": process_id})
    if not rows:
        return None
    parts = tuple(Part(**{name: row[name] for name in Part._fields}) for row in rows)
    return ResidentMemory(rows[0]["time_ns"], sum(part.resident_bytes for part in parts), parts)
