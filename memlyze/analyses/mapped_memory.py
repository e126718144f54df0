"""Memory that was mapped: reserved as a whole, and resident only where it was written to."""

from __future__ import annotations

import typing

from memlyze.analyses.estimates import Estimate
from memlyze.analyses.statements import run_statement
from memlyze.query.session import Trace


class MappedMemory(typing.NamedTuple):
    """What was mapped (`mmap`) at a moment, reserved and resident."""

    reserved_bytes: Estimate
    """Live at the moment: whole pages, whether they were ever touched or not."""
    resident_bytes: int | None
    """At most so much of it was in physical memory, in the snapshot nearest to the moment: what no
    other category accounts for. None: no snapshot was taken.
    """
    resident_at_ns: int | None
    """When that snapshot was taken."""


def mapped_memory(
    trace: Trace, reserved_bytes: Estimate, moment_ns: int, process: int | None = None
) -> MappedMemory | None:
    """What is known of the mapped memory that was live at a moment; None: there was none."""
    if not reserved_bytes.value:
        return None
    parameters = {"moment_ns": moment_ns, "process_id": process}
    rows = run_statement(trace, "mapped_resident", parameters)
    if not rows:
        return MappedMemory(reserved_bytes, None, None)
    return MappedMemory(reserved_bytes, rows[0]["bytes"], rows[0]["time_ns"])
