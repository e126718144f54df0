"""Tells the recorder what threads are called.

Names are Python's: the recorder sees only the operating system's number of a thread. It is told by
each new thread itself, before its `run`, and again at the end, since names may change. There it
also learns in which window it begins.
"""

from __future__ import annotations

import threading

from memlyze._speedups import _tracer
from memlyze._speedups._tracer import present, set_present

TYPE_CHECKING = False  # `typing` itself stays out of the recorded program
if TYPE_CHECKING:
    from typing import Any

# Called by a new thread for itself, once, and gone from the stack before its work begins: a
# wrapper around `start` or `run` would be seen in tracebacks, and the former comes too late for
# threads that end at once.
_HOOK = "_set_native_id"
_original: Any = None

#: Of a thread between its `start` and its first steps: the window that it begins in.
WINDOW_KEY = "_memlyze_window"
#: Threads of these packages serve whoever comes: none of them belongs to who caused its start.
_POOLS = ("concurrent.futures.", "multiprocessing.", "anyio.")


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


def _begin_window(thread: threading.Thread) -> None:
    """Called by a new thread for itself: it begins in the window that its `start` was called in, if
    that is carried. A pool's thread begins in none, though it may have inherited the context of who
    caused its start (CPython 3.14 with `-X thread_inherit_context=1`).
    """
    if thread.is_alive():  # after a fork
        return
    number = 0 if _serves_anybody(thread) else thread.__dict__.pop(WINDOW_KEY, None)
    if number is None:
        return
    context = getattr(thread, "_context", None)  # what it will run in, from CPython 3.14 on
    if context is None:
        if number != present.get():
            set_present(number)
    elif number != context.get(present, 0):
        context.run(set_present, number)


def _serves_anybody(thread: threading.Thread) -> bool:
    target = getattr(thread, "_target", None)
    module = getattr(type(thread) if target is None else target, "__module__", None)
    return isinstance(module, str) and module.startswith(_POOLS)


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
            _begin_window(self)
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
