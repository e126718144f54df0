"""The parts of a trace of bounded size: `trace.mlyze`, which is written to, and beside it
`trace.earlier.mlyze`, what was written before. Each is a trace by itself.
"""

from __future__ import annotations

import contextlib
import errno
import os


def earlier_part(path: str) -> str:
    """Where the earlier part of the trace at `path` is, if it has one."""
    root, extension = os.path.splitext(path)
    return f"{root}.earlier{extension}"


def next_part(path: str) -> str:
    """Where this process makes the next part of the trace at `path`, before it takes its place."""
    root, extension = os.path.splitext(path)
    return f"{root}.next-{os.getpid()}{extension}"


def clear_other_parts(path: str, overwrite: bool) -> None:
    """See to it that the other parts of a new trace can be put in their places.

    Raises FileExistsError where something is there that is not to be replaced.
    """
    found = [part for part in (earlier_part(path), next_part(path)) if os.path.lexists(part)]
    for part in found:
        if not overwrite or not os.path.isfile(part):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), part)
    for part in found:
        with contextlib.suppress(OSError):  # the trace itself tells why nothing can be written here
            os.unlink(part)
