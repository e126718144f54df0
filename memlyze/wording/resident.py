"""What the resident memory was, in the summary."""

from __future__ import annotations

from memlyze.analyses.resident_memory import Part, ResidentMemory
from memlyze.wording.units import format_bytes

#: What the categories of `rss_explained` are called.
CATEGORY_NAMES = {
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
_UNEXPLAINED = "unexplained"
_PARTS = 6
_LEAST_SHARE = 0.01


def describe_resident(resident: ResidentMemory, width: int, lead: str = "") -> list[str]:
    """`60 MiB Python objects, 17 MiB malloc, …`: the parts that matter and the rest as one, in
    lines of at most `width` characters where a part is not longer, the first with `lead` before it.
    What the recorder holds is left out.
    """
    main = _main_parts(resident)
    shown = main[:_PARTS]
    # What is not known is never hidden among the rest.
    shown += [part for part in main[_PARTS:] if part.category == _UNEXPLAINED]
    texts = [
        f"{format_bytes(part.resident_bytes)} {CATEGORY_NAMES.get(part.category, part.category)}"
        for part in shown
    ]
    rest = resident.program_bytes - sum(part.resident_bytes for part in shown)
    if rest or not texts:
        texts.append(f"{format_bytes(rest)} other")
    lines = [lead + texts[0]]
    for text in texts[1:]:
        lines[-1] += ","
        if len(lines[-1]) + 1 + len(text) > width:
            lines.append(text)
        else:
            lines[-1] += f" {text}"
    return lines


def unexplained_bytes(resident: ResidentMemory) -> int:
    """What `describe_resident` calls unexplained; 0 where it does not speak of it."""
    parts = _main_parts(resident)
    return sum(part.resident_bytes for part in parts if part.category == _UNEXPLAINED)


def _main_parts(resident: ResidentMemory) -> list[Part]:
    return [part for part in resident.program_parts if part.share >= _LEAST_SHARE]
