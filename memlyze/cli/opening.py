"""Opens the traces that a command was given."""

from __future__ import annotations

import dataclasses
import os
import typing

from memlyze.cli.errors import UsageError

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
    from memlyze.query.session import open_trace

    return open_trace(paths, trusted=trusted)


def state_lines(trace: Trace) -> list[str]:
    """What the reader of any figure must know: cut off, damaged, events dropped. Often nothing."""
    lines = []
    metadata = trace.metadata
    if not trace.is_complete:
        lines.append(
            "the trace was cut off (the program was killed, ended by os._exit, or still runs); "
            "what was written up to then is shown"
        )
    lines += [f"the trace is damaged: {damage}" for damage in trace.damage]
    dropped = (metadata.get("events_dropped") or 0) + (metadata.get("frees_dropped") or 0)
    if dropped:
        lines.append(
            f"{dropped} events were dropped because they could not be written fast enough; "
            "record with --when-full wait to keep all"
        )
    stop_reason = str(metadata.get("stop_reason") or "")
    if stop_reason.startswith("write_error"):
        lines.append(f"writing stopped early: {stop_reason.partition(':')[2].strip()}")
    return lines


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
