"""The recording that the integrations of a process share: one, whoever asks for it.

A program that is recorded already, by `memlyze record` or by itself, is left as it is: then the
integrations only say which request is which.
"""

from __future__ import annotations

import logging
import os
import threading
from contextlib import contextmanager
from typing import Iterator

from memlyze.checkpoints import take_at_shutdown
from memlyze.errors import MemlyzeError, OptionError, TracerStateError, TraceWriteError
from memlyze.options import TraceOptions
from memlyze.parts import earlier_part
from memlyze.signals import SignalAction
from memlyze.tracer import Tracer, active_tracer

from ._application import tell_packages
from ._options import IntegrationOptions

log = logging.getLogger("memlyze")

_MOST_FILES = 10_000
_shared: Recording | None = None
_changing = threading.Lock()


class ChangingError(TracerStateError):
    """Somebody else starts or stops the recording at this moment."""


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Of all that start and stop, one at a time; a signal comes in the midst of them, so that it
    cannot wait for its turn.
    """
    lock = _changing
    if not lock.acquire(blocking=False):
        raise ChangingError(
            "the recording is being started or stopped at this moment; ask again when that is done"
        )
    try:
        yield
    finally:
        lock.release()


class Recording:
    """Starts and stops the recording of this process.

    A forked child goes on with a trace of its own, which the recorder sees to.
    """

    def __init__(self, options: IntegrationOptions) -> None:
        self.options = options
        self._tracer: Tracer | None = None  # the last that was started here; it may have ended
        self._users = 0
        self._signal: SignalAction | None = None

    @property
    def is_ours(self) -> bool:
        """Whether the integrations have started what is recording now."""
        return self._tracer is not None and self._tracer.is_active

    @property
    def is_of_the_program(self) -> bool:
        """Whether somebody else has."""
        tracer = active_tracer()
        return tracer is not None and tracer is not self._tracer

    def join(self) -> None:
        """One more application uses it; the first starts it.

        Raises TraceWriteError, and TracerStateError for a signal outside of the main thread or
        where another thread starts or stops the recording at this moment.
        """
        if self._users == 0:
            self._listen()
            if self.options.record_at_start:
                self.start()
        self._users += 1

    def leave(self) -> None:
        """An application has ended; the last one ends the recording. If that is the program's, it
        goes on, and has its last checkpoint.
        """
        self._users = max(self._users - 1, 0)
        if self._users == 0:
            tracer = active_tracer()
            if tracer is not None and self.is_of_the_program:
                take_at_shutdown(tracer.options)
            try:
                self.stop()
            except ChangingError as error:
                log.warning("memlyze: %s", error)
            if self._signal is not None:
                self._signal.leave()
                self._signal = None

    def _listen(self) -> None:
        name = self.options.toggle_signal
        if name and self._signal is None:
            self._signal = SignalAction("toggle_signal", name, self._toggle)
            self._signal.listen()

    def _toggle(self) -> None:
        """Start, or stop what was started here. Runs between any two instructions."""
        try:
            if active_tracer() is None:
                self.start()
            elif self.is_ours:
                self.stop()
            else:
                log.warning(
                    "memlyze: this recording is not the application's; the signal ends it not"
                )
        except MemlyzeError as error:
            log.warning("memlyze: %s", error)

    @_one_at_a_time()
    def start(self) -> str | None:
        """Start recording, unless something is recording. Returns the path of the trace, None where
        nothing was started. Raises TraceWriteError, ChangingError.
        """
        if active_tracer() is not None:
            return None
        options = self.options.trace
        keywords = {
            name: getattr(options, name)
            for name in TraceOptions.__slots__
            if name not in ("output_file", "force")
        }
        for path in _numbered(options.output_file.replace("{pid}", str(os.getpid()))):
            if _is_taken(path):
                continue
            self._tracer = tracer = Tracer(path, **keywords)  # ours from its first moment on
            try:
                tracer.start()
            except TraceWriteError:
                if _is_taken(path):  # by somebody else, in between
                    continue
                raise
            except TracerStateError:
                return None
            tell_packages()
            log.info("recording memory into %s", tracer.output_file)
            return tracer.output_file
        raise TraceWriteError(
            f"{options.output_file} exists already, and so do {_MOST_FILES} names after it; "
            "remove old traces"
        )

    @_one_at_a_time()
    def stop(self) -> str | None:
        """Finish the trace that `start` began. Returns its path; None: there was none.

        Raises ChangingError.
        """
        tracer = self._tracer
        if tracer is None or not tracer.is_active:
            return None
        try:
            tracer.stop()
        except (TraceWriteError, TracerStateError) as error:
            log.warning("memlyze: %s", error)
        log.info("finished the recording in %s", tracer.output_file)
        return tracer.output_file


def _after_fork_in_child() -> None:
    """Whoever was starting or stopping has stayed in the parent."""
    global _changing
    _changing = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


def share(options: IntegrationOptions) -> Recording:
    """The recording of this process, made with these options if there is none in use.

    Raises OptionError when one is in use that was asked for with other options.
    """
    global _shared
    if _shared is None or _shared._users == 0:
        _shared = Recording(options)
    elif not _shared.options.same_recording(options):
        raise OptionError(
            "this process is recorded with other options, by another memlyze middleware or "
            "extension; give both the same"
        )
    return _shared


def _is_taken(path: str) -> bool:
    """Whether a trace is there, or the earlier part of one."""
    return os.path.lexists(path) or os.path.lexists(earlier_part(path))


def _numbered(path: str) -> Iterator[str]:
    """`a.mlyze`, `a-2.mlyze`, `a-3.mlyze` …"""
    yield path
    root, extension = os.path.splitext(path)
    for number in range(2, _MOST_FILES):
        yield f"{root}-{number}{extension}"
