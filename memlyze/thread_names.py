"""Tells the recorder what threads are called.

Names are Python's: the recorder sees only the operating system's number of a thread. It is told
when a thread has been started, and again at the end, since names may change.
"""

from __future__ import annotations

import threading
from typing import Any

from memlyze._speedups import _tracer

_original_start: Any = None


def _tell(thread: threading.Thread) -> None:
    os_thread_id = getattr(thread, "native_id", None)
    if os_thread_id is not None:
        try:
            name = str(thread.name)
        except Exception:  # a subclass whose `name` raises: the program's own business
            return
        _tracer.set_thread_name(os_thread_id, name.encode("utf-8", "replace"))


def tell_all() -> None:
    """Tell the present names of all threads that are alive."""
    for thread in threading.enumerate():
        _tell(thread)


def watch() -> None:
    """Tell all names now, and that of each thread started from now on."""
    global _original_start
    tell_all()
    if _original_start is not None:
        return
    _original_start = original = threading.Thread.start

    def start(self: threading.Thread) -> None:
        original(self)
        _tell(self)

    start.__doc__ = original.__doc__
    threading.Thread.start = start  # type: ignore[method-assign]


def unwatch() -> None:
    """Leave `threading` as it was, unless somebody else has changed it since."""
    global _original_start
    if _original_start is None:
        return
    if getattr(threading.Thread.start, "__module__", None) == __name__:
        threading.Thread.start = _original_start  # type: ignore[method-assign]
    _original_start = None
