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


def clear_earlier_part(path: str, overwrite: bool) -> None:
    """See to it that the earlier part of a new trace can be put in its place.

    Raises FileExistsError where something is there that is not to be replaced.
    """
    earlier = earlier_part(path)
    if not os.path.lexists(earlier):
        return
    if not overwrite or not os.path.isfile(earlier):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), earlier)
    with contextlib.suppress(OSError):  # the trace itself tells why nothing can be written here
        os.unlink(earlier)
