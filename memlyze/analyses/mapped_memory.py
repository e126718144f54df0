"""Memory that was mapped: reserved as a whole, and resident only where it was written to."""

from __future__ import annotations

import typing

from memlyze.analyses.estimates import Estimate
from memlyze.analyses.live_series import LiveSeries
from memlyze.analyses.statements import run_statement
from memlyze.query.session import Trace

# Until so much of what was mapped may have been freed, what is resident tells of it.
_MOST_FREED = 0.5


class MappedMemory(typing.NamedTuple):
    """What was mapped (`mmap`) at a moment, reserved and resident."""

    reserved_bytes: Estimate
    """Live at the moment: whole pages, whether they were ever touched or not."""
    resident_bytes: int | None
    """At most so much of it was in physical memory: what no other category accounts for. In the
    snapshot nearest to the moment, or in a later one that saw more, as long as most of it can have
    been live: a program may write to it long after it was mapped. None: no snapshot was taken.
    """
    resident_at_ns: int | None
    """When that snapshot was taken."""


def mapped_memory(
    trace: Trace,
    reserved_bytes: Estimate,
    moment_ns: int,
    series: LiveSeries,
    process: int | None = None,
) -> MappedMemory | None:
    """What is known of the mapped memory that was live at a moment; None: there was none.

    `series` tells what was live of the same selection.
    """
    if not reserved_bytes.value:
        return None
    least_live = series.live_at(moment_ns).value - _MOST_FREED * reserved_bytes.value
    parameters = {
        "moment_ns": moment_ns,
        "until_ns": series.first_below(least_live, moment_ns),
        "process_id": process,
    }
    rows = run_statement(trace, "mapped_resident", parameters)
    if not rows:
        return MappedMemory(reserved_bytes, None, None)
    return MappedMemory(reserved_bytes, rows[0]["bytes"], rows[0]["time_ns"])
