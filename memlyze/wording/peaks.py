"""When a recording's peaks were, and whose they are: in the same words everywhere."""

from __future__ import annotations

from memlyze.analyses.estimates import Estimate
from memlyze.analyses.mapped_memory import MappedMemory
from memlyze.analyses.summary import Summary, TogetherPeak
from memlyze.wording.figures import figure
from memlyze.wording.places import LEAST_MAPPED_SHARE
from memlyze.wording.units import format_bytes, format_duration

#: Where there is no reading of the resident memory.
NOTHING_READ = "unknown: nothing was read of it"


def peak_resident_when(summary: Summary) -> str:
    """`at 1.2 s`, of several processes `at 1.2 s in process 4711`; nothing where it is unknown."""
    if summary.peak_rss is None:
        return ""
    where = f" in process {summary.peak_rss.process_id}" if len(summary.processes) > 1 else ""
    return f"at {_time(summary.peak_rss.time_ns)}{where}"


def why_peak_resident_is_unknown(summary: Summary) -> str:
    """Why there is no peak of resident memory."""
    if summary.memory_ticks:
        return "the system did not tell what was resident, as where there is no /proc"
    if summary.is_being_written:
        return "the program has only just begun"
    if summary.is_complete:
        return "the program ended before the memory clock ticked"
    return "the trace was cut off before a reading of it was written"


def peak_together_text(peak: TogetherPeak) -> str:
    """What several processes had resident at most, and when; what they share is in it for each."""
    size, moment = format_bytes(peak.bytes), _time(peak.time_ns)
    return f"{size} at {moment} in all processes together, what they share counted for each"


def peak_live_when(summary: Summary) -> str:
    """When most was live, as `live_when`; nothing where nothing was allocated."""
    if summary.peak_live_ns is None:
        return ""
    return live_when(summary.peak_live_ns, len(summary.processes))


def live_when(time_ns: int, processes: int) -> str:
    """`at 1.2 s`, of several processes `at 1.2 s in all processes together`."""
    where = " in all processes together" if processes > 1 else ""
    return f"at {_time(time_ns)}{where}"


def why_not_resident(
    live: Estimate, mapped: MappedMemory | None, resident_bytes: int | None
) -> str:
    """Why what is live is more than is resident; empty where it need not be said."""
    if mapped is not None and mapped.reserved_bytes.value > LEAST_MAPPED_SHARE * live.value:
        text = f"of which {figure(mapped.reserved_bytes)} is mapped (mmap)"
        if mapped.resident_bytes is None or mapped.resident_at_ns is None:
            return f"{text}, and resident only where it was written to"
        if mapped.resident_bytes < mapped.reserved_bytes.value:
            return (
                f"{text}: at most {format_bytes(mapped.resident_bytes)} of that was resident at "
                f"{_time(mapped.resident_at_ns)}, the rest was only reserved then"
            )
    if resident_bytes is not None and live.value - live.error > resident_bytes:
        return (
            "more than is resident: memory takes none until it is written to, or while swapped out"
        )
    return ""


def _time(time_ns: int) -> str:
    return format_duration(max(time_ns, 0))
