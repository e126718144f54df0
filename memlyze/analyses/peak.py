"""A moment of the recording: the peak, or any other, and what was live then."""

from __future__ import annotations

import typing

from memlyze.analyses.estimates import Estimate
from memlyze.analyses.hotspots import Hotspots, hotspots
from memlyze.analyses.live_series import live_series
from memlyze.analyses.mapped_memory import MappedMemory, mapped_memory
from memlyze.analyses.resident_memory import ResidentMemory, explain_near
from memlyze.analyses.selection import END_NS, EVERYTHING, Selection
from memlyze.analyses.statements import run_statement
from memlyze.analyses.timeline import last_moment_ns
from memlyze.query.session import Trace

SITES = 20


class ResidentReading(typing.NamedTuple):
    """What a process had resident."""

    process_id: int
    time_ns: int
    """When it was read."""
    bytes: int
    """Resident then, without what the recorder held."""
    explained: ResidentMemory | None
    """What it consisted of, in the snapshot nearest to `time_ns`; None: there is none."""


class Moment(typing.NamedTuple):
    """What was live at a moment."""

    time_ns: int
    """The moment."""
    live_bytes: Estimate
    """Of what was chosen, all processes together."""
    peak_time_ns: int
    """When most of it was live, in the time range that was chosen."""
    peak_live_bytes: Estimate
    """How much that was."""
    mapped: MappedMemory | None
    """Of `live_bytes`, what was mapped: it may be more than was ever resident. None: nothing."""
    resident: tuple[ResidentReading, ...]
    """Of each process that ran then, the greatest first."""
    holders: Hotspots
    """What was live: `held_bytes`, the greatest first."""


def peak(
    trace: Trace,
    *,
    moment_ns: int | None = None,
    by: str = "site",
    count: int = SITES,
    selection: Selection = EVERYTHING,
) -> Moment:
    """What was live at `moment_ns`, or, where that is None, when most of the selection was.

    Raises MemlyzeError for a `by` that there is not, and SelectionError.
    """
    series = live_series(trace, selection._replace(from_ns=0))
    peak_ns = series.greatest_between(selection.from_ns, selection.to_ns) or 0
    time_ns = peak_ns if moment_ns is None else min(moment_ns, last_moment_ns(trace))
    held = hotspots(
        trace,
        by=by,
        sort="peak",
        count=count,
        moment_ns=time_ns,
        selection=selection._replace(from_ns=0, to_ns=END_NS),
    )
    mapped = held.total.held_mapped_bytes if held.total else None
    return Moment(
        time_ns=time_ns,
        live_bytes=series.live_at(time_ns),
        peak_time_ns=peak_ns,
        peak_live_bytes=series.live_at(peak_ns),
        mapped=mapped_memory(trace, mapped, time_ns, series, selection.process) if mapped else None,
        resident=_resident(trace, time_ns, selection.process),
        holders=held._replace(rows=tuple(row for row in held.rows if row.held_bytes.value)),
    )


def _resident(trace: Trace, time_ns: int, process: int | None) -> tuple[ResidentReading, ...]:
    rows = run_statement(trace, "resident_at", {"time_ns": time_ns, "process_id": process})
    return tuple(
        ResidentReading(
            process_id=row["process_id"],
            time_ns=row["time_ns"],
            bytes=row["rss"],
            explained=explain_near(trace, row["process_id"], row["time_ns"]),
        )
        for row in rows
    )
