"""Tells the recorder what threads are called.

Names are Python's: the recorder sees only the operating system's number of a thread. It is told by
each new thread itself, before its `run`, and again at the end, since names may change. There it
also learns in which window it begins.
"""

from __future__ import annotations

import threading

from memlyze import carrying
from memlyze._speedups import _tracer

TYPE_CHECKING = False  # `typing` itself stays out of the recorded program
if TYPE_CHECKING:
    from typing import Any

# Called by a new thread for itself, once, and gone from the stack before its work begins: a
# wrapper around `start` or `run` would be seen in tracebacks, and the former comes too late for
# threads that end at once.
_HOOK = "_set_native_id"
_original: Any = None


def _tell(thread: threading.Thread) -> None:
    os_thread_id = getattr(thread, "native_id", None)
    if os_thread_id is None:
        return
    try:
        name = str(thread.name)
    except Exception:  # a subclass whose `name` raises: the program's own business
        return
    _tracer.set_thread_name(os_thread_id, name.encode("utf-8", "replace").replace(b"\0", b" "))


def tell_all() -> None:
    """Tell the present names of all threads that are alive."""
    for thread in threading.enumerate():
        _tell(thread)


def watch() -> None:
    """Tell all names now, and that of each thread started from now on."""
    global _original
    tell_all()
    if _original is not None or not hasattr(threading.Thread, _HOOK):
        return
    _original = original = getattr(threading.Thread, _HOOK)

    def set_native_id(self: threading.Thread) -> None:
        original(self)
        _tell(self)
        try:
            carrying.begin(self)
        except Exception:  # a subclass that is no longer what `threading` has: it runs all the same
            return

    setattr(threading.Thread, _HOOK, set_native_id)


def unwatch() -> None:
    """Leave `threading` as it was, unless somebody else has changed it since."""
    global _original
    if _original is None:
        return
    present = getattr(
        threading.Thread, _HOOK, None
    )  # the program may have put in a class of its own
    if getattr(present, "__module__", None) == __name__:
        setattr(threading.Thread, _HOOK, _original)
    _original = None
