"""Memory of which no block is seen: that of allocators that are built into libraries."""

from __future__ import annotations

import os
import typing

from memlyze.analyses.resident_memory import explain_near
from memlyze.analyses.selection import END_NS
from memlyze.query.session import Trace

#: What is a greater share of the resident memory than this is worth a word beside other answers.
_MUCH = 0.2
#: And so is what most of its growth in the last half of the time is, and as many bytes at least.
_MOST = 0.5
_MUCH_GROWTH_BYTES = 1 << 20


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
    grown_bytes: int
    """Of these, how many came since `grown_since_ns`; 0: little of what the program gained did."""
    grown_since_ns: int
    """When its resident memory was looked at about halfway."""


def unseen_memory(trace: Trace) -> UnseenMemory | None:
    """None where there is no such allocator, or little that it could have."""
    allocators = invisible_allocators(trace)
    processes = trace.table("processes")
    starts = dict(zip(processes["process_id"].tolist(), processes["start_ns"].tolist()))
    found = []
    for process_id, file in zip(trace.process_ids, trace.files):
        if not file.metadata.get("invisible_allocators"):
            continue
        resident = explain_near(trace, process_id, END_NS)
        if resident is None:
            continue
        unexplained, whole = resident.bytes_of("unexplained"), resident.program_bytes
        halfway = explain_near(trace, process_id, (starts[process_id] + resident.time_ns) // 2)
        assert halfway is not None
        grown = unexplained - halfway.bytes_of("unexplained")
        if grown < max(_MUCH_GROWTH_BYTES, _MOST * (whole - halfway.program_bytes)):
            grown = 0
        if grown or unexplained > _MUCH * whole:
            now = resident.time_ns, whole, unexplained
            found.append(UnseenMemory(allocators, process_id, *now, grown, halfway.time_ns))
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
