"""Runs the recorded program, and stands between it and whoever started `memlyze record`.

The program is in the same process group and on the same terminal as this process, so that the
terminal's own signals (^C, ^\\, ^Z) reach it without help and must not be passed on. A signal that
a process sent to this one is passed on. The program starts with the signal mask and the
dispositions that this process was started with. What becomes of the signals of a whole group, and
of the program when this process is killed, is the guard's (`guard.py`).
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import typing

from memlyze._speedups import _tracer
from memlyze.cli import guard

# Python ignores these in itself; a program it starts is to find the default.
_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)
# These cannot be held back, or tell of what a process did itself, or of its own children.
_OWN = {
    signal.SIGKILL,
    signal.SIGSTOP,
    signal.SIGCONT,
    signal.SIGCHLD,
    signal.SIGSEGV,
    signal.SIGBUS,
    signal.SIGFPE,
    signal.SIGILL,
}
_PASSED_ON = frozenset(map(int, signal.valid_signals() - _OWN))
# What the kernel sends of itself for the terminal goes to the whole process group.
_OF_TERMINAL = {
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGTSTP,
    signal.SIGTTIN,
    signal.SIGTTOU,
    signal.SIGWINCH,
}
# However long no signal comes, the program's end is not missed for longer.
_LOOK_S = 1.0
_GROUP_GRACE_S = 0.2
_NOTHING = (0, 0, 0)
_TERMINAL_STOPS = (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)


def run_child(
    executable: str, argv: typing.Sequence[str], environment: typing.Mapping[str, str]
) -> int:
    """Run a program to its end; return its wait status (see `os.WIFEXITED`).

    Raises OSError when it cannot be executed.
    """
    waited_for = _PASSED_ON | {signal.SIGCHLD}
    original_mask = signal.pthread_sigmask(signal.SIG_BLOCK, waited_for)
    ignores_children = signal.getsignal(signal.SIGCHLD) == signal.SIG_IGN
    try:
        child = os.posix_spawn(
            executable,
            list(argv),
            environment,
            setsigmask=original_mask,
            setsigdef=_IGNORED_BY_PYTHON,
        )
        if ignores_children:
            # Then nobody would learn how the program ended. Not before it has been started, which
            # is to find the signal as this process did.
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        with guard.Guard(child, _PASSED_ON) as beside:
            return _wait(child, waited_for, beside)
    finally:
        if ignores_children:
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        _drop_pending(_PASSED_ON - original_mask)
        signal.pthread_sigmask(signal.SIG_SETMASK, original_mask)


def _wait(child: int, waited_for: typing.Iterable[int], beside: guard.Guard) -> int:
    while True:
        number, code, sender = _tracer.wait_for_signal(waited_for, _LOOK_S) or _NOTHING
        if number not in (0, signal.SIGCHLD):
            was_sent_to_group = beside.was_sent_to_group(number)
            is_of_terminal = code > 0 and number in _OF_TERMINAL
            if not is_of_terminal and sender != child and not was_sent_to_group:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, number)
        status = _follow(child)
        if status is not None:
            return status


def _follow(child: int) -> int | None:
    """Do after the program what it did: stop, go on. Its wait status when it has ended."""
    awaits_continuation = False
    while True:
        process, status = os.waitpid(child, os.WNOHANG | os.WUNTRACED | os.WCONTINUED)
        if process == 0:
            if not awaits_continuation:
                return None
            # The shell continues the whole group, one process after the other.
            if _tracer.wait_for_signal({signal.SIGCHLD}, _GROUP_GRACE_S) is None:
                # This process alone was continued.
                awaits_continuation = False
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGCONT)
            continue
        if os.WIFSTOPPED(status):
            awaits_continuation = _stop_like(os.WSTOPSIG(status))
        elif os.WIFCONTINUED(status):
            awaits_continuation = False
        else:
            return status


def _stop_like(stop_signal: int) -> bool:
    """Stop as the program did, so that the shell sees its job stopped; come back when continued.

    Only what a terminal does is followed: whoever stops the program alone continues it alone too.
    """
    if stop_signal not in _TERMINAL_STOPS:
        return False
    _drop_pending({stop_signal})
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {stop_signal})
    os.kill(os.getpid(), stop_signal)
    signal.pthread_sigmask(signal.SIG_BLOCK, {stop_signal} & _PASSED_ON)
    return True


def _drop_pending(signals: typing.Iterable[int]) -> None:
    """Forget blocked signals that the program got too, so that they do not strike here later."""
    while _tracer.wait_for_signal(signals, 0) is not None:
        pass


def end_like(status: int) -> int:
    """The exit status for a program that ended with wait status `status`.

    Does not return when a signal killed it: then this process ends by the same signal, without
    leaving a core file of its own.
    """
    if not os.WIFSIGNALED(status):
        if sys.flags.inspect:  # PYTHONINSPECT is meant for the program
            _leave(os.WEXITSTATUS(status))
        return os.WEXITSTATUS(status)
    import resource

    number = os.WTERMSIG(status)
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    if number not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
    os.kill(os.getpid(), number)
    return 128 + number


def _leave(status: int) -> typing.NoReturn:
    """End without what Python does at the end of a program: it would ask for input."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(status)
