"""Why a trace shows no allocation at all, and what to do about it."""

from __future__ import annotations

from memlyze.analyses.summary import Summary


def no_allocation_text(summary: Summary) -> str:
    """One or two sentences; of a trace without a sample."""
    if summary.is_being_written:
        return "No allocation was written yet; look again in a moment."
    if not summary.is_complete:
        return (
            "No allocation was written before the trace was cut off: "
            "was the disk full, or the program killed at once?"
        )
    if summary.damage:
        return "No allocation can be read: the trace is damaged."
    if summary.is_exact:
        return "No allocation was recorded."
    return (
        "No allocation was recorded, as only a sample is. To see small programs: --sample-rate 1.0"
    )
