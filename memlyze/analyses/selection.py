"""What of a trace an analysis counts: a time range, processes, threads, windows, functions."""

from __future__ import annotations

import difflib
import re
import typing

from memlyze.analyses.statements import run_statement
from memlyze.errors import MemlyzeError
from memlyze.query.session import Trace

#: Later than any time of a trace. As the moment at which something is live: the end of the
#: recording of its process.
END_NS = (1 << 63) - 1
_SHOWN = 5


class SelectionError(MemlyzeError):
    """There is nothing in the trace that has this name or number."""


class Selection(typing.NamedTuple):
    """The allocations to count. None: without regard to it."""

    from_ns: int = 0
    """Made at or after this time, in nanoseconds since the start of the trace."""
    to_ns: int = END_NS
    """Made before this time."""
    process: int | None = None
    """Made in the process that has this `process_id`."""
    thread: int | str | None = None
    """Made by the thread with this `thread_id`, or by those of this name."""
    window: int | str | None = None
    """Made in the window with this `window_id`, or in those of this name, or in one inside. With a
    method before the name (`GET /search`), or the kind of what has none (`websocket /feed`), only
    in those.
    """
    function: str | None = None
    """Made by a function of this name or by what it called: a pattern with `*`, `?` and `[…]` for
    the qualified name, or for the part of it after a dot.
    """
    file: str | None = None
    """Made by code of this file or by what it called: a pattern for the path, or for the part of it
    after a slash.
    """


EVERYTHING = Selection()


class Chosen(typing.NamedTuple):
    """A selection as the statements take it."""

    parameters: dict[str, typing.Any]
    """For the private macro `_selected`."""
    stack_ids: list[int] | None
    """The stacks that `function` and `file` choose; None: all."""


def choose(trace: Trace, selection: Selection) -> Chosen:
    """Find out what a selection means in a trace.

    Raises SelectionError for a process, thread or window that is not there.
    """
    if selection.from_ns > selection.to_ns:
        raise SelectionError(
            "the time range ends before it begins; give --from a time before that of --to"
        )
    threads = windows = None
    if selection.thread is not None:
        threads = _ids(trace, "selected_threads", "thread", selection.thread)
    if selection.window is not None:
        windows = _ids(trace, "selected_windows", "window", selection.window)
    if selection.process is not None and selection.process not in trace.process_ids:
        there = _listed([str(number) for number in sorted(trace.process_ids)])
        raise SelectionError(
            f"there is no process {selection.process} in the trace; it has {there}"
        )
    parameters = {
        "from_ns": selection.from_ns,
        "to_ns": selection.to_ns,
        "process_ids": None if selection.process is None else [selection.process],
        "thread_ids": threads,
        "window_ids": windows,
    }
    return Chosen(parameters, _stack_ids(trace, selection))


def require_code(selection: Selection, *traces: Trace) -> None:
    """Raise SelectionError where no frame of any of these traces is of the function and the file
    that are asked for: what is mistyped must not read as memory that is not there.
    """
    function, file = selection.function, selection.file
    asked = [("function", function, None), ("file", None, file), ("function", function, file)]
    for noun, of_function, of_file in asked:
        if of_function is None and of_file is None:
            continue
        wanted = {"function": of_function, "file": of_file}
        if any(run_statement(trace, "selected_frames", wanted) for trace in traces):
            continue
        name = of_file if noun == "file" else of_function
        where = f" in the file {file!r}" if noun == "function" and of_file is not None else ""
        whose = "the trace" if len(traces) == 1 else "either recording"
        raise SelectionError(
            f"no {noun} {name!r}{where} is on the call stacks of {whose}; "
            + _near(noun, name or "", traces)
        )


def _near(noun: str, wanted: str, traces: typing.Sequence[Trace]) -> str:
    """What a pattern may have been meant to be, or how to find out."""
    separator = r"[/\\]" if noun == "file" else r"[.]"
    names = {str(name) for trace in traces for name in trace.table("frames")[noun].tolist()}
    last = [re.split(separator, name)[-1] for name in names]
    word = re.split(separator, wanted)[-1].strip("*?")
    near = difflib.get_close_matches(word, sorted(set(last)), n=_SHOWN)
    if near:
        return f"near it {'is' if len(near) == 1 else 'are'} {', '.join(near)}"
    return f"memlyze hotspots --by {noun} lists what is there"


def _ids(trace: Trace, statement: str, noun: str, wanted: int | str) -> list[int]:
    """Ids of what has this number or name."""
    name, number = (None, wanted) if isinstance(wanted, int) else (wanted, None)
    rows = run_statement(trace, statement, {"name": name, "number": number})
    if not rows:
        names = run_statement(trace, f"{noun}_names", {"count": _SHOWN + 1})
        there = _listed([str(row["name"]) for row in names]) or "none with a name"
        raise SelectionError(f"there is no {noun} {wanted!r} in the trace; it has {there}")
    return [row["id"] for row in rows]


def _listed(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")


def _stack_ids(trace: Trace, selection: Selection) -> list[int] | None:
    if selection.function is None and selection.file is None:
        return None
    wanted = {"function": selection.function, "file": selection.file}
    return [row["stack_id"] for row in run_statement(trace, "selected_stacks", wanted)]
