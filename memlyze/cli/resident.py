"""What the resident memory was, in one line of the summary."""

from __future__ import annotations

from memlyze.analyses.resident_memory import ResidentMemory
from memlyze.cli.units import format_bytes, format_duration

_NAMES = {
    "python_objects": "Python objects",
    "pymalloc_free": "free in Python's pools",
    "python_frames": "Python frames",
    "malloc_live": "malloc",
    "malloc_free": "free in malloc",
    "thread_stacks": "thread stacks",
    "code": "code",
    "library_data": "library data",
    "mapped_files": "mapped files",
    "shared_memory": "shared memory",
    "no_access": "no access",
    "tracer": "memlyze",
    "unexplained": "unexplained",
}
_PARTS = 6
_LEAST_SHARE = 0.01
# A snapshot that saw so much of the peak is taken for it.
_NEAR_THE_PEAK = 0.98


def describe_resident(resident: ResidentMemory, peak_bytes: int) -> str:
    """`60 MiB Python objects, 17 MiB malloc, …`: the parts that matter, and the rest as one."""
    parts = resident.parts
    main = [part for part in parts if part.share >= _LEAST_SHARE][:_PARTS]
    unknown = [
        part
        for part in parts
        if part.category == "unexplained" and part.share >= _LEAST_SHARE and part not in main
    ]
    shown = [*main[: _PARTS - len(unknown)], *unknown]
    texts = [
        f"{format_bytes(part.resident_bytes)} {_NAMES.get(part.category, part.category)}"
        for part in shown
    ]
    rest = resident.bytes - sum(part.resident_bytes for part in shown)
    if rest:
        texts.append(f"{format_bytes(rest)} other")
    text = ", ".join(texts)
    if resident.bytes < _NEAR_THE_PEAK * peak_bytes:
        seen, when = format_bytes(resident.bytes), format_duration(resident.time_ns)
        text = f"{text} (of {seen} at {when})"
    return text
