"""Carrying windows into threads: by hand, function by function, or for all that a recording sees.

A new thread begins with an empty context, and a pool's thread with that of nobody: contexts, and
the window in them, end there. Only the window is carried, never the rest of a context, so that a
program runs as it would without.
"""

from __future__ import annotations

import threading

from memlyze._speedups import _tracer
from memlyze.thread_names import WINDOW_KEY
from memlyze.windows import driven, present, resumed, set_present

TYPE_CHECKING = False  # `typing` itself stays out of the recorded program
if TYPE_CHECKING:
    from collections.abc import Coroutine, Generator
    from typing import Any, Callable, TypeVar

    F = TypeVar("F", bound=Callable[..., Any])

_is_on = False


def carry(function: F) -> F:
    """What to hand to another thread in the place of `function`: it runs in the window in which
    `carry` was called, also where that is none, and returns and raises what `function` does::

        threading.Thread(target=memlyze.carry(work)).start()
        pool.submit(memlyze.carry(work), argument)

    For what leaves the context behind: `threading.Thread`, executors, queues, `gevent.spawn`. Call
    it where the work is handed over; as a decorator it would carry the window of the import.
    Without a recording, this is `function` itself.

    Args:
        function: any callable, or a coroutine function.

    Raises:
        TypeError: it is neither, or a generator function, whose body runs later, in pieces.
    """
    from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction

    if not callable(function):
        raise TypeError(f"memlyze.carry takes a function, not {function!r}")
    if isgeneratorfunction(function) or isasyncgenfunction(function):
        raise TypeError(
            f"memlyze.carry cannot carry a window into the generator {function!r}, which runs in "
            "pieces; open one inside it, or decorate it with memlyze.profile"
        )
    if not _tracer.is_recording():
        return function
    from functools import update_wrapper

    carried: Any = _Carried(function, present.get())
    if iscoroutinefunction(function):
        carried = carried.coroutine_function()
    return update_wrapper(carried, function, updated=())  # type: ignore[return-value]


class _Carried:
    """A function that runs in a window, whoever calls it."""

    __slots__ = ("_function", "_number", "__dict__")

    def __init__(self, function: Callable[..., Any], number: int) -> None:
        self._function = function
        self._number = number

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        outside = present.get()
        set_present(self._number)
        try:
            return self._function(*args, **kwargs)
        finally:
            set_present(outside)

    def coroutine_function(self) -> Callable[..., Any]:
        """The same of a coroutine function, as one."""

        async def carried(*args: Any, **kwargs: Any) -> Any:
            async def called() -> Any:  # for a call that begins at once, or gives a future
                return await self._function(*args, **kwargs)

            return await _CarriedSteps(called(), self._number)

        return carried


class _CarriedSteps:
    """An awaitable whose steps are taken in a window: the last one may be anybody's, who closes it
    or collects it.
    """

    __slots__ = ("_steps", "_resume_in")

    def __init__(self, steps: Coroutine[Any, Any, Any], number: int) -> None:
        self._steps = steps
        self._resume_in = number

    def __await__(self) -> Generator[Any, Any, Any]:
        return driven(self._steps, lambda *step: resumed(self, *step))


def watch() -> None:
    """From now on carry the window into each thread that is started, and into what is submitted to
    a `ThreadPoolExecutor`, as `run_in_executor` does.
    """
    global _is_on
    for owner, name, carrying in _entries():
        present_function = getattr(owner, name)
        if not _is_ours(present_function):
            setattr(owner, name, carrying(present_function))
    _is_on = True


def unwatch() -> None:
    """Leave both as they were; where somebody else has wrapped them since, ours only pass on."""
    global _is_on
    if not _is_on:
        return
    _is_on = False
    for owner, name, _ in _entries():
        present_function = getattr(owner, name)
        if _is_ours(present_function):
            setattr(owner, name, present_function.__wrapped__)


def _entries() -> Any:
    from concurrent.futures import ThreadPoolExecutor

    return (
        (threading.Thread, "start", _carrying_start),
        (ThreadPoolExecutor, "submit", _carrying_submit),
    )


def _is_ours(function: Any) -> bool:
    return getattr(function, "__globals__", None) is globals()


def _carrying_start(original: Any) -> Any:
    from functools import wraps

    @wraps(original)
    def start(self: threading.Thread) -> None:
        # A context that the program has given to the thread has the window that it is to have.
        if _is_on and getattr(self, "_context", None) is None:
            self.__dict__[WINDOW_KEY] = present.get()
        original(self)

    return start


def _carrying_submit(original: Any) -> Any:
    from functools import wraps

    @wraps(original)
    def submit(self: Any, *args: Any, **kwargs: Any) -> Any:
        if _is_on and args and not _runs_elsewhere(self):
            args = (_Carried(args[0], present.get()), *args[1:])
        return original(self, *args, **kwargs)

    return submit


def _runs_elsewhere(executor: Any) -> bool:
    """Whether it pickles what it is given: into interpreters of their own, from CPython 3.14 on."""
    import sys

    module = sys.modules.get("concurrent.futures.interpreter")
    return module is not None and isinstance(executor, module.InterpreterPoolExecutor)
