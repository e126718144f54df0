"""Checkpoints: the heap graph of this process at a moment, in its trace.

What refers to what is taken in one pass of C, for which the program stands still. No object is
asked anything: no code of the program runs.
"""

from __future__ import annotations

import atexit
import os
import threading

from memlyze import _json_text
from memlyze._speedups import _tracer
from memlyze.errors import MemlyzeError

TYPE_CHECKING = False  # `typing` itself stays out of the recorded program
if TYPE_CHECKING:
    from memlyze.options import TraceOptions

MOST_OBJECTS_UNASKED = 10_000_000
"""Of more than these none is taken unasked: it would take ten seconds and a gigabyte."""
_MOST_OBJECTS = (1 << 31) - 1

#: The process in which one is being taken on a signal, 0 for none. A child that is forked
#: meanwhile, by another thread, takes none.
_taking_on_signal_in = 0


class Checkpoint:
    """What was taken.

    Attributes:
        objects: how many objects.
        references: how many references between them.
        pause_ns: how long the program stood still, in nanoseconds.
    """

    __slots__ = ("objects", "pause_ns", "references")

    def __init__(self, objects: int, references: int, pause_ns: int) -> None:
        self.objects = objects
        self.references = references
        self.pause_ns = pause_ns

    def __repr__(self) -> str:
        return (
            f"<memlyze.Checkpoint of {self.objects} objects, {self.references} references, "
            f"in {self.pause_ns / 1e6:.1f} ms>"
        )


_tracer.know_class(Checkpoint)


def checkpoint() -> Checkpoint | None:
    """Take the heap graph now: every object, its type and size, and what it refers to.

    The program stands still meanwhile, about half a second for a million objects; the trace is
    written afterwards, in the background. Where nothing is recorded, or with the option
    `references=False`, this does nothing, so that it can stay in the code.

    Returns:
        What was taken; None where nothing was.

    Raises:
        MemlyzeError: there is no memory for it; the program and the recording go on.
    """
    from memlyze.tracer import active_tracer

    tracer = active_tracer()
    if tracer is None or not tracer.options.references or not _tracer.is_recording():
        return None
    return _take("checkpoint", _MOST_OBJECTS)


def take_at_stop(options: TraceOptions, reason: str) -> None:
    """At the end of a recording; why none is taken is put into the metadata."""
    if not options.references or _tracer.has_last_checkpoint():
        return
    try:
        _take("stop" if reason == "stop" else "exit", MOST_OBJECTS_UNASKED)
    except MemlyzeError as error:
        _tracer.add_metadata(b"references_left_out", _json_text.encode(str(error)))


def take_at_shutdown(options: TraceOptions) -> None:
    """When a server has shut its application down, and may end by a signal that nobody handles any
    more: uvicorn raises once again the SIGTERM that it was ended by. Then it is the last one, and
    the end of the process, where it comes in order, takes none.

    Where nobody handles SIGTERM, that is no server: a test client, say, whose program goes on.
    """
    import signal  # it loads others, and few recordings need it

    if signal.getsignal(signal.SIGTERM) in (signal.SIG_DFL, signal.SIG_IGN):
        return
    _tracer.checkpoint_before_cleanup()
    take_at_stop(options, "exit")  # says why, where it was not taken


def take_before_cleanup() -> None:
    """Have the last checkpoint of this process taken when its threads have ended, before the
    `atexit` functions that were registered until the main thread ended.

    CPython 3.8 does not say when its threads have ended: there it is taken after them.
    """
    register = getattr(threading, "_register_atexit", None)
    if register is None:
        return
    try:
        # Called when the main thread has ended. What is registered last runs first.
        register(atexit.register, _tracer.checkpoint_before_cleanup)
    except RuntimeError:  # it has ended already
        return


def _take(reason: str, most_objects: int) -> Checkpoint:
    why_not, objects, references, pause_ns = _tracer.take_checkpoint(reason, most_objects)
    if why_not == "too many objects":
        raise MemlyzeError(
            f"there are more than {most_objects} objects; call memlyze.checkpoint() in the program "
            "to take their references all the same"
        )
    if why_not is not None:
        raise MemlyzeError(
            f"there was no memory for the references of {objects} objects and more; free some, or "
            "record with references=False (--no-references)"
        )
    return Checkpoint(objects, references, pause_ns)


def take_on_signal() -> None:
    """Of a recording, where there is one; why none was taken is put into the metadata.

    A signal that comes while one is taken asks for no other. Its handler runs inside of that of the
    first, and signals that come faster than checkpoints are taken would fill the stack. Nor does
    one that comes while the recording stops, which has its last one by then.
    """
    global _taking_on_signal_in
    from memlyze.tracer import active_tracer

    if _taking_on_signal_in == os.getpid():
        return
    tracer = active_tracer()
    if tracer is None or tracer.is_stopping or not tracer.options.references:
        return
    if not _tracer.is_recording():
        return
    _taking_on_signal_in = os.getpid()
    try:
        _take("signal", _MOST_OBJECTS)
    except MemlyzeError as error:
        _tracer.add_metadata(b"references_left_out", _json_text.encode(str(error)))
    finally:
        _taking_on_signal_in = 0
