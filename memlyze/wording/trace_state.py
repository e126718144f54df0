"""What the reader of any figure of a trace must know."""

from __future__ import annotations

import os
import typing

from memlyze.trace.metadata import metadata_int
from memlyze.wording.names import printable
from memlyze.wording.units import format_bytes, format_duration, plural

if typing.TYPE_CHECKING:
    from memlyze.query.session import Trace
    from memlyze.trace.reader import TraceFile

_SHOWN = 5


def state_lines(trace: Trace) -> list[str]:
    """What the reader of any figure must know: still being written, cut off, damaged, events
    dropped. Often nothing.
    """
    lines = []
    files = trace.files
    growing = [file for file in files if file.is_being_written]
    if growing:
        is_are, _, who = _which(growing, files)
        named = f" ({who})" if len(files) > 1 else ""
        lines.append(f"{is_are} still being written{named}; what was written up to now is shown")
    cut_off = [file for file in files if not file.is_complete and not file.is_being_written]
    if cut_off:
        _, was_were, who = _which(cut_off, files)
        lines.append(
            f"{was_were} cut off ({who}: killed, or out of room); "
            "what was written up to then is shown"
        )
    lines += [f"the trace is damaged: {damage}" for damage in trace.damage]
    return list(map(printable, lines + _dropped_part_lines(trace) + _lost_lines(trace)))


def _which(
    some: typing.Sequence[TraceFile], files: typing.Sequence[TraceFile]
) -> tuple[str, str, str]:
    """ "The trace is", or how many are; the same with "was"; and of which programs they are."""
    if len(files) == 1:
        return "the trace is", "the trace was", "the program"
    which, one = f"{len(some)} of {len(files)} traces", len(some) == 1
    who = ", ".join(os.path.basename(file.path) for file in some[:_SHOWN])
    who += ", …" if len(some) > _SHOWN else ""
    return f"{which} {'is' if one else 'are'}", f"{which} {'was' if one else 'were'}", who


def _dropped_part_lines(trace: Trace) -> list[str]:
    """What the bound of the trace's size has cost."""
    lines = []
    for file in trace.files:
        kept_from_ns = metadata_int(file.metadata, "part_start_ns")
        if not kept_from_ns:
            continue
        which = f"{os.path.basename(file.path)}: " if len(trace.files) > 1 else ""
        dropped = _events(metadata_int(file.metadata, "events_before_part"))
        was_full = metadata_int(file.metadata, "parts_dropped_early") > 0
        reason = "since the disk was full" if was_full else "to keep within max_trace_bytes"
        lines.append(
            f"{which}what happened in the first {format_duration(kept_from_ns)} was dropped, "
            f"{reason}: {dropped} recorded then; of that time only what was still live at its end "
            "is shown"
        )
        left = metadata_int(file.metadata, "blocks_not_carried")
        if left:
            left_bytes = format_bytes(metadata_int(file.metadata, "bytes_not_carried"))
            lines.append(
                f"{which}there was no room for {plural(left, 'live block', 'live blocks')} "
                f"({left_bytes} as recorded) of an earlier part; raise max_trace_bytes, or record "
                "with a lower --sample-rate"
            )
    return lines


def _lost_lines(trace: Trace) -> list[str]:
    """What was not recorded, by cause, and what to do about it."""
    from memlyze.analyses.losses import count_losses

    losses = count_losses(trace)
    lines = []
    if losses.too_slow:
        lines.append(
            f"{_events(losses.too_slow)} dropped because they could not be written fast enough; "
            "record with --when-full wait to keep all"
        )
    if losses.in_fork:
        lines.append(
            f"{_events(losses.in_fork)} dropped while the program forked, when nothing can be "
            "written; a lower --sample-rate loses fewer"
        )
    if losses.for_memory:
        lines.append(
            f"{_events(losses.for_memory)} dropped for want of memory for the recorder's tables; "
            "raise the limit (ulimit -v), or record with a lower --sample-rate"
        )
    if losses.calls_unrecorded:
        lines.append(
            f"{plural(losses.calls_unrecorded, 'call', 'calls')} for memory by threads that could "
            "not be recorded for want of address space; raise the limit (ulimit -v)"
        )
    return lines


def _events(count: int) -> str:
    return plural(count, "event was", "events were")
