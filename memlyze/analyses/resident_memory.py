"""What the resident memory consisted of, in the snapshots that were taken of it."""

from __future__ import annotations

import typing

from memlyze.analyses.statements import run_statement
from memlyze.query.session import Trace


class Part(typing.NamedTuple):
    """A category of resident memory, as the view `rss_explained` names it."""

    category: str
    """Name of the category."""
    resident_bytes: int
    """Bytes of it in physical memory."""
    reserved_bytes: int
    """Bytes of addresses that are set apart for it."""
    share: float
    """Of the resident memory, from 0 to 1."""


class ResidentMemory(typing.NamedTuple):
    """The resident memory of a process at one moment, and its parts, greatest first."""

    time_ns: int
    bytes: int
    """Of all parts together."""
    parts: tuple[Part, ...]
    """The parts, greatest first."""


def explain_peak(trace: Trace, process_id: int) -> ResidentMemory | None:
    """The snapshot of a process that saw most resident memory; None where none was taken.

    Snapshots are rarer than ticks of the memory clock: the peak itself may have been higher.
    """
    return _explain(trace, process_id, None)


def explain_near(trace: Trace, process_id: int, moment_ns: int) -> ResidentMemory | None:
    """The snapshot of a process that was taken nearest to a moment; None where none was taken."""
    return _explain(trace, process_id, moment_ns)


def _explain(trace: Trace, process_id: int, moment_ns: int | None) -> ResidentMemory | None:
    parameters = {"process_id": process_id, "moment_ns": moment_ns}
    rows = run_statement(trace, "resident_memory", parameters)
    if not rows:
        return None
    parts = tuple(Part(**{name: row[name] for name in Part._fields}) for row in rows)
    return ResidentMemory(rows[0]["time_ns"], sum(part.resident_bytes for part in parts), parts)
