"""Acts on ^C at once, also while a library is at work that does not look.

Python delivers signals to its main thread between two bytecodes; DuckDB may stay away from them for
the whole of a query. What does come in time is the byte that Python's own handler writes to a file
descriptor: a thread waits for it, and acts. It acts again until the work ends: DuckDB forgets an
interruption that comes in the moment before a query begins.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import threading
import typing

Action = typing.Callable[[], object]
REPEAT_SECONDS = 0.1


@contextlib.contextmanager
def watched(action: Action) -> typing.Iterator[None]:
    """Within it, ^C calls `action` on another thread, again and again, and ends in
    KeyboardInterrupt here.

    Does nothing where this process ignores interrupts, or is not in its main thread.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    struck: list[bool] = []

    def wait() -> None:
        while True:
            if select.select([read_end], [], [], REPEAT_SECONDS if struck else None)[0]:
                received = os.read(read_end, 1)
                if not received:
                    os.close(read_end)
                    return
                if received[0] == signal.SIGINT:
                    struck.append(True)
            if struck:
                action()

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    before = signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
    try:
        yield
    except Exception as error:
        # DuckDB turns the KeyboardInterrupt, or what `action` did to it, into errors of its own.
        # The former may come before the thread above has seen anything.
        if struck or _comes_of_interrupt(error):
            raise KeyboardInterrupt from None
        raise
    finally:
        signal.set_wakeup_fd(before)
        os.close(write_end)
        thread.join()


def _comes_of_interrupt(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def end_process() -> None:
    """End this process as an interrupt ends any other; can be called on any thread."""
    import ctypes

    # `signal.signal` is for the main thread, which is busy.
    ctypes.pythonapi.PyOS_setsig(int(signal.SIGINT), None)
    os.kill(os.getpid(), signal.SIGINT)
