"""A process beside `memlyze record`, in its process group, that nobody else knows of. Its work:

- It tells a signal that was sent to the whole group from one that was sent to `memlyze record`
  alone: the former reaches the guard too, and the program has it already.
- Where `memlyze record` is killed by SIGKILL, it kills the program, which would otherwise run on
  without whoever started it being able to tell: to them the two are one.
"""

from __future__ import annotations

import contextlib
import os
import signal
import typing

from memlyze._speedups import _tracer

# How long it may take until all members of a group have a signal that one of them has.
_DELIVERY_S = 0.02
_FAREWELL = b"\0"
_TO_GROUP, _TO_ONE = b"\1", b"\0"
_PROC_DESCRIPTORS = "/proc/self/fd"
_DESCRIPTORS_WITHOUT_PROC = 256


class Guard:
    """The guard's end in `memlyze record`. Use it in a `with` block, once the program runs."""

    def __init__(self, program: int, signals: typing.Iterable[int]) -> None:
        """`signals` are those that are asked for; they are blocked in this process already."""
        self._requests, self._answers, self._process = -1, -1, 0
        with contextlib.suppress(OSError):  # no more processes: then there is none
            self._start(program, frozenset(signals))

    def _start(self, program: int, signals: frozenset[int]) -> None:
        read_requests, self._requests = os.pipe()
        self._answers, write_answers = os.pipe()
        try:
            self._process = os.fork()
            if self._process == 0:
                try:
                    _keep_descriptors(read_requests, write_answers)
                    _watch(program, signals, read_requests, write_answers)
                finally:
                    os._exit(0)
        finally:
            os.close(read_requests)
            os.close(write_answers)

    def was_sent_to_group(self, number: int) -> bool:
        """Whether the signal that has just arrived here went to the whole process group.

        To be asked of each, or the guard takes an earlier one for it.
        """
        if not self._process:
            return False
        try:
            os.write(self._requests, bytes([number]))
            return os.read(self._answers, 1) == _TO_GROUP
        except OSError:  # it has been killed
            return False

    def __enter__(self) -> Guard:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._process:
            with contextlib.suppress(OSError):
                os.write(self._requests, _FAREWELL)
        for descriptor in (self._requests, self._answers):
            if descriptor >= 0:
                os.close(descriptor)
        if self._process:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self._process, 0)
            self._process = 0


def _watch(program: int, signals: frozenset[int], requests: int, answers: int) -> None:
    """What the guard does until `memlyze record` ends, in one way or the other."""
    signal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals) - {signal.SIGSEGV, signal.SIGBUS})
    # Not by its number, which may be another's when it is needed.
    handle = os.pidfd_open(program) if hasattr(os, "pidfd_open") else None
    while True:
        request = os.read(requests, 1)
        if request == _FAREWELL:
            return
        if not request:
            break
        received = _tracer.wait_for_signal({request[0]} & signals, _DELIVERY_S)
        os.write(answers, _TO_ONE if received is None else _TO_GROUP)
    with contextlib.suppress(ProcessLookupError):
        if handle is None:
            os.kill(program, signal.SIGKILL)
        else:
            signal.pidfd_send_signal(handle, signal.SIGKILL)


def _keep_descriptors(*kept: int) -> None:
    """Close all others: a pipe would not end while there is a copy."""
    try:
        numbers = [int(name) for name in os.listdir(_PROC_DESCRIPTORS)]
    except OSError:
        numbers = list(range(_DESCRIPTORS_WITHOUT_PROC))
    for number in set(numbers) - set(kept):
        with contextlib.suppress(OSError):
            os.close(number)
