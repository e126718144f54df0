"""Memory of which no block is seen: that of allocators that are built into libraries."""

from __future__ import annotations

import os
import typing

from memlyze.analyses.resident_memory import explain_near
from memlyze.analyses.selection import END_NS
from memlyze.query.session import Trace

#: What is a greater share of the resident memory than this is worth a word beside other answers.
_MUCH = 0.2


class UnseenMemory(typing.NamedTuple):
    """What the blocks of such allocators may take, of one process when recording ended."""

    allocators: tuple[str, ...]
    """Such as `mimalloc in libarrow.so.2600`, of all processes."""
    process_id: int
    """The process with the most unexplained memory."""
    time_ns: int
    """When its resident memory was looked at for the last time."""
    resident_bytes: int
    """Of the program then."""
    unexplained_bytes: int
    """Of these, those that nothing recorded explains."""


def unseen_memory(trace: Trace) -> UnseenMemory | None:
    """None where there is no such allocator, or little that it could have."""
    allocators = invisible_allocators(trace)
    found = []
    for process_id, file in zip(trace.process_ids, trace.files):
        if not file.metadata.get("invisible_allocators"):
            continue
        resident = explain_near(trace, process_id, END_NS)
        if resident is None:
            continue
        unexplained, whole = resident.bytes_of("unexplained"), resident.program_bytes
        if unexplained > _MUCH * whole:
            found.append(UnseenMemory(allocators, process_id, resident.time_ns, whole, unexplained))
    return max(found, key=lambda unseen: unseen.unexplained_bytes, default=None)


def invisible_allocators(trace: Trace) -> tuple[str, ...]:
    """The allocators that are built into libraries of the program: `mimalloc in libarrow.so`."""
    named = {
        f"{found.get('name')} in {os.path.basename(str(found.get('file')))}"
        for file in trace.files
        for found in file.metadata.get("invisible_allocators") or ()
        if isinstance(found, dict)
    }
    return tuple(sorted(named))
