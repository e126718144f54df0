"""Acting on a signal, beside whatever the program does on it."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` would bring `enum` along

from memlyze.errors import TracerStateError

TYPE_CHECKING = False  # `typing` itself stays out of the recorded program
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

#: By which people end programs: one that does not handle them ends after the action, too.
_ENDING_SIGNALS = tuple(
    getattr(_signal, name) for name in ("SIGTERM", "SIGHUP", "SIGQUIT") if hasattr(_signal, name)
)


class SignalAction:
    """Calls `act` when the process gets a signal, in the main thread, between two of its
    instructions. What the program does on that signal it goes on doing afterwards.

    Args:
        option: the option that names the signal, for messages.
        name: of the signal, such as `SIGUSR2`.
        act: what to do; it raises nothing.
    """

    def __init__(self, option: str, name: str, act: Callable[[], object]) -> None:
        self._option = option
        self._number: int = getattr(_signal, name)
        self._act = act
        self._before: Any = None

    def listen(self) -> None:
        """Begin. Raises TracerStateError outside of the main thread."""
        try:
            self._before = _signal.signal(self._number, self._handle)
        except ValueError:
            raise TracerStateError(
                f"{self._option} can only be used when recording is started in the main thread"
            ) from None

    def leave(self) -> None:
        """End; where the program has put a handler of its own there since, that stays."""
        if _signal.getsignal(self._number) == self._handle:
            try:
                _signal.signal(self._number, self._before)
            except (TypeError, ValueError):  # C's handler, or another thread
                return

    def _handle(self, number: int, frame: Any) -> None:
        self._act()
        if callable(self._before):
            self._before(number, frame)
        elif self._before == _signal.SIG_DFL and number in _ENDING_SIGNALS:
            _signal.signal(number, _signal.SIG_DFL)
            _signal.raise_signal(number)
