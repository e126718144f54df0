"""When a recording's peaks were, and whose they are: in the same words everywhere."""

from __future__ import annotations

from memlyze.analyses.summary import Summary
from memlyze.wording.units import format_duration


def peak_resident_when(summary: Summary) -> str:
    """`at 1.2 s`, of several processes `at 1.2 s in process 4711`; nothing where it is unknown."""
    if summary.peak_rss is None:
        return ""
    where = f" in process {summary.peak_rss.process_id}" if len(summary.processes) > 1 else ""
    return f"at {_time(summary.peak_rss.time_ns)}{where}"


def peak_live_when(summary: Summary) -> str:
    """When most was live, as `live_when`; nothing where nothing was allocated."""
    if summary.peak_live_ns is None:
        return ""
    return live_when(summary.peak_live_ns, len(summary.processes))


def live_when(time_ns: int, processes: int) -> str:
    """`at 1.2 s`, of several processes `at 1.2 s in all processes together`."""
    where = " in all processes together" if processes > 1 else ""
    return f"at {_time(time_ns)}{where}"


def _time(time_ns: int) -> str:
    return format_duration(max(time_ns, 0))
