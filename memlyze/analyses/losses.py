"""What a trace lacks, by cause: in all of its files together."""

from __future__ import annotations

import typing

from memlyze.query.session import Trace


class Losses(typing.NamedTuple):
    """Counts of what happened in the program and is not in the trace."""

    too_slow: int
    """Events that could not be written fast enough."""
    in_fork: int
    """Events for which there was no room while the program forked, when nothing is written."""
    for_memory: int
    """Events for which the recorder's tables had no memory."""
    calls_unrecorded: int
    """Calls for memory by threads that could not be recorded for want of address space."""

    @property
    def events(self) -> int:
        """All events that were lost."""
        return self.too_slow + self.in_fork + self.for_memory


def count_losses(trace: Trace) -> Losses:
    """Sum up what the files of `trace` say."""
    in_fork = metadata_total(trace, "events_dropped_in_fork") or 0
    for_memory = metadata_total(trace, "events_dropped_for_memory") or 0
    events = metadata_total(trace, "events_dropped") or 0
    return Losses(
        too_slow=max(events - in_fork - for_memory, 0),
        in_fork=in_fork,
        for_memory=for_memory,
        calls_unrecorded=metadata_total(trace, "calls_unrecorded") or 0,
    )


def metadata_total(trace: Trace, key: str) -> int | None:
    """The sum of a number that each file's metadata has; None where none has it."""
    values = [file.metadata.get(key) for file in trace.files]
    numbers = [value for value in values if isinstance(value, int)]
    return sum(numbers) if numbers else None
