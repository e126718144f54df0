"""How closely a trace was recorded, in words."""

from __future__ import annotations

from memlyze.analyses.estimates import Sampling
from memlyze.wording.units import format_bytes


def sampling_text(sampling: Sampling) -> str:
    """`every allocation`; `every 64 KiB allocated`; `every 512 B to 64 KiB allocated, as the
    program's pace allowed`; with a rate `at least 1 % of all allocations, and every 64 KiB …`.
    """
    if sampling.is_exact:
        return "every allocation"
    if not sampling.interval_bytes:
        return "unknown: what the trace says of itself cannot be read"
    widest, closest = sampling.interval_bytes, sampling.closest_interval_bytes
    text = f"every {format_bytes(widest)} allocated"
    if closest < widest:
        text = (
            f"every {format_bytes(closest)} to {format_bytes(widest)} allocated, as the program's "
            "pace allowed"
        )
    if sampling.rate:
        text = f"at least {100 * sampling.rate:.3g} % of all allocations, and {text}"
    return text
