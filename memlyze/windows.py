"""Windows: named stretches of a program's work, to which its allocations are attributed.

The number of the present window is held in a context variable, at which the recorder looks at each
sample.
"""

from __future__ import annotations

from memlyze import _json_text
from memlyze._speedups import _tracer
from memlyze._speedups._tracer import present as present
from memlyze._speedups._tracer import set_present as set_present

TYPE_CHECKING = False  # `typing` itself stays out of the recorded program
if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Coroutine, Generator
    from types import TracebackType
    from typing import Any, Callable, TypeVar, overload

    F = TypeVar("F", bound=Callable[..., Any])


class window:  # noqa: N801
    """A window with a name: ``with memlyze.window("load", rows=10_000): …``.

    What is allocated inside, by this thread or task and by the tasks that it starts, has this
    window's number. Windows nest. Without a recording this does nothing.

    Args:
        name: what the window is called; equal names are summed up by `windows_by_name()`.
        attributes: anything to remember about it; kept as JSON.
    """

    __slots__ = (
        "_name",
        "_attributes",
        "_kind",
        "_number",
        "_parent",
        "_start_ns",
        "_resume_in",
    )

    def __init__(self, name: str, /, **attributes: Any) -> None:
        self._name = str(name)
        self._attributes = attributes
        self._kind = b"window"
        self._number = 0
        self._parent = 0
        self._start_ns = 0
        self._resume_in = 0  # of a generator: the window that its next step runs in

    @classmethod
    def _of_call(cls, name: str) -> window:
        """A window for one call of a function."""
        call = cls(name)
        call._kind = b"call"
        return call

    def _open(self) -> None:
        self._parent = present.get()
        self._number = _tracer.new_window_id()
        self._start_ns = _tracer.trace_time_ns()
        self._resume_in = self._number
        _tracer.call_unrecorded(_tell, self, -1)

    def _close(self) -> None:
        _tracer.call_unrecorded(_tell, self, _tracer.trace_time_ns())
        self._number = 0

    def __enter__(self) -> window:
        if _tracer.is_recording():
            self._open()
            set_present(self._number)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._number == 0:
            return
        if present.get() == self._number:  # otherwise closed in another context, by a generator
            set_present(self._parent)
        self._close()


def _tell(of: window, end_ns: int) -> None:
    _tracer.add_window(
        of._number,
        of._parent,
        of._kind,
        encoded_text(of._name),
        of._start_ns,
        end_ns,
        encoded_attributes(of._attributes) if of._attributes else b"",
    )


def encoded_text(text: str) -> bytes:
    """A name or the like as the trace holds it."""
    return text.encode("utf-8", "surrogatepass").replace(b"\0", b" ")


def encoded_attributes(attributes: dict[str, Any]) -> bytes:
    """As JSON."""
    try:
        return _json_text.encode_readable(attributes)
    except Exception:  # a structure that contains itself: nothing to stop the program for
        return b""


if TYPE_CHECKING:

    @overload
    def profile(function: F, /) -> F: ...
    @overload
    def profile(*, name: str | None = None) -> Callable[[F], F]: ...
    def profile(function: Any = None, /, *, name: str | None = None) -> Any: ...

else:

    def profile(function: Any = None, /, *, name: str | None = None) -> Any:
        """Make each call of a function a window.

        Works with and without arguments (``@memlyze.profile``, ``@memlyze.profile(name="load")``),
        for functions, methods, generators, coroutines and async generators; of the latter three,
        the window is the present one exactly while their code runs.

        Args:
            name: the window's name; by default the function's qualified name.
        """
        if function is None:
            return lambda f: profile_function(f, name)
        return profile_function(function, name)


def profile_function(function: Any, name: str | None) -> Any:
    """The wrapped function; a function of the same kind as the original."""
    from functools import wraps
    from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction

    if isinstance(function, (staticmethod, classmethod)):
        return type(function)(profile_function(function.__func__, name))
    if not callable(function) or isinstance(function, type):
        raise TypeError(f"memlyze.profile wraps functions, not {function!r}")
    label = name or getattr(function, "__qualname__", None) or repr(function)

    if iscoroutinefunction(function):

        @wraps(function)
        async def call(*args: Any, **kwargs: Any) -> Any:
            return await _Driven(function(*args, **kwargs), window._of_call(label))

    elif isgeneratorfunction(function):

        @wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            return (yield from _drive(function(*args, **kwargs), window._of_call(label)))

        if _is_awaitable_generator_function(function):
            from types import coroutine

            call = coroutine(call)

    elif isasyncgenfunction(function):

        @wraps(function)
        async def call(*args: Any, **kwargs: Any) -> Any:
            # An async generator cannot `yield from`; its steps are driven one by one.
            call_window = window._of_call(label)
            steps: AsyncGenerator[Any, Any] = function(*args, **kwargs)
            step: Any = steps.__anext__()
            try:
                while True:
                    try:
                        value = await _Driven(step, call_window, is_last=False)
                    except StopAsyncIteration:
                        return
                    try:
                        step = steps.asend((yield value))
                    except GeneratorExit:
                        await _Driven(steps.aclose(), call_window, is_last=False)
                        raise
                    except BaseException as error:
                        step = steps.athrow(error)
            finally:
                if call_window._number:
                    call_window._close()

    else:

        @wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            with window._of_call(label):
                return function(*args, **kwargs)

    return call


def _is_awaitable_generator_function(function: Any) -> bool:
    """Whether it is one of `types.coroutine`, the generators of which may be awaited."""
    from inspect import CO_ITERABLE_COROUTINE

    code = getattr(function, "__code__", None)
    return code is not None and bool(code.co_flags & CO_ITERABLE_COROUTINE)


class _Driven:
    """An awaitable whose code runs in a window, and nobody else's in between."""

    __slots__ = ("_awaitable", "_window", "_is_last")

    def __init__(
        self,
        awaitable: Coroutine[Any, Any, Any] | Any,
        call_window: window,
        is_last: bool = True,
    ) -> None:
        self._awaitable = awaitable
        self._window = call_window
        self._is_last = is_last

    def __await__(self) -> Generator[Any, Any, Any]:
        return _drive(self._awaitable, self._window, self._is_last)


def _drive(steps: Any, call_window: window, is_last: bool = True) -> Generator[Any, Any, Any]:
    """Run a generator or coroutine step by step, each step inside the window."""
    if call_window._number == 0 and _tracer.is_recording():
        call_window._open()
    number = call_window._number
    try:
        return (yield from driven(steps, lambda *step: _in_window(call_window, *step)))
    finally:
        if is_last and number:
            call_window._close()


def driven(steps: Any, run: Callable[[Any, Any], Any]) -> Generator[Any, Any, Any]:
    """A generator or coroutine, each step of which `run(step, argument)` takes."""
    step, argument = steps.send, None
    while True:
        try:
            value = run(step, argument)
        except StopIteration as stop:
            return stop.value
        try:
            argument = yield value
            step = steps.send
        except GeneratorExit:
            run(_closed, steps)
            raise
        except BaseException as error:
            step, argument = steps.throw, error


def _in_window(call_window: window, step: Callable[[Any], Any], argument: Any) -> Any:
    """One step of a generator: as `resumed`, if there is a window."""
    return resumed(call_window, step, argument) if call_window._number else step(argument)


def resumed(work: Any, step: Callable[[Any], Any], argument: Any) -> Any:
    """One step of what runs in steps: in the window that it was in after its last one, the number
    of which is in `work._resume_in`.
    """
    outside = present.get()
    set_present(work._resume_in)
    try:
        return step(argument)
    finally:
        work._resume_in = present.get()
        set_present(outside)


def _closed(steps: Any) -> None:
    steps.close()
