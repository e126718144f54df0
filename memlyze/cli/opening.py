"""Opens the traces that a command was given."""

from __future__ import annotations

import dataclasses
import os
import sys
import typing

from memlyze.cli.errors import UsageError
from memlyze.cli.units import plural

if typing.TYPE_CHECKING:
    from memlyze.query.session import Trace


def open_traces(paths: typing.Sequence[str], *, trusted: bool = True) -> Trace:
    """Open trace files. Raises UsageError for a path that is no file, MemlyzeError for a bad
    one.
    """
    for path in paths:
        if not os.path.exists(path):
            raise UsageError(f"there is no file {path}; give the path of a .mlyze trace")
        if os.path.isdir(path):
            raise UsageError(f"{path} is a folder; give the path of a .mlyze trace in it")
    from memlyze.query.session import distinct_files, open_trace

    kept = distinct_files(paths)
    if len(kept) < len(paths):
        again = [path for path in paths if path not in kept] or kept
        print(f"memlyze: {again[0]} was given more than once and is read once", file=sys.stderr)
    return open_trace(kept, trusted=trusted)


def state_lines(trace: Trace) -> list[str]:
    """What the reader of any figure must know: cut off, damaged, events dropped. Often nothing."""
    lines = []
    if not trace.is_complete:
        lines.append(
            "the trace was cut off (the program was killed, ended by os._exit, or still runs, or "
            "there was no room for more); what was written up to then is shown"
        )
    lines += [f"the trace is damaged: {damage}" for damage in trace.damage]
    return lines + _lost_lines(trace)


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


def as_json(value: typing.Any) -> typing.Any:
    """Named tuples as objects, all the way down, for `json.dumps`."""
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return {name: as_json(getattr(value, name)) for name in value._fields}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: as_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, (list, tuple)):
        return [as_json(item) for item in value]
    if isinstance(value, dict):
        return {str(key): as_json(item) for key, item in value.items()}
    return value
