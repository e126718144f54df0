"""Allocators that are built into libraries, whose blocks are not recorded: in words."""

from __future__ import annotations

import typing

from memlyze.analyses.unseen_memory import UnseenMemory
from memlyze.wording.names import printable
from memlyze.wording.units import format_bytes, format_duration

#: By what the name of its library begins with: how a library is told to use `malloc` instead.
_WAYS = {"libarrow.": "ARROW_DEFAULT_MEMORY_POOL=system has Arrow take its memory from malloc"}


def unseen_text(unseen: UnseenMemory) -> str:
    """What is not seen, how much it may be, and what helps: sentences."""
    grown = ""
    if unseen.grown_bytes:
        since = format_duration(unseen.grown_since_ns)
        grown = f", {format_bytes(unseen.grown_bytes)} more than at {since}"
    return (
        f"Not seen: {blocks_text(unseen.allocators)}. {format_bytes(unseen.unexplained_bytes)} of "
        f"the {format_bytes(unseen.resident_bytes)} that were resident at "
        f"{format_duration(unseen.time_ns)} are unexplained and may be theirs{grown}"
        f"{way_text(unseen.allocators)}."
    )


def blocks_text(allocators: typing.Collection[str]) -> str:
    """Whose blocks they are: `blocks of mimalloc in libarrow.so.2600`."""
    return printable(f"blocks of {', '.join(allocators)}")


def way_text(allocators: typing.Collection[str]) -> str:
    """How to have them seen, where that is known, to go on with; empty: it is not."""
    libraries = [named.split(" in ", 1)[-1] for named in allocators]
    ways = [
        way for begins, way in _WAYS.items() if any(name.startswith(begins) for name in libraries)
    ]
    return "".join(f"; {way}, which is seen" for way in ways)
