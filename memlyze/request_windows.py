"""Windows of requests, for whoever serves them: the integrations.

A request is opened under no name, since its route is not known yet, and closed under the name of
the route. What runs for it in between has to be in its context (`enter`, `leave`).
"""

from __future__ import annotations

from memlyze._speedups import _tracer
from memlyze.windows import encoded_attributes, encoded_text, present, set_present

TYPE_CHECKING = False  # `typing` itself stays out of the recorded program
if TYPE_CHECKING:
    from typing import Any

_LONGEST_NAME = 300
_MOST_NAMES = 4096
_known_names: dict[str, bytes] = {}
_METHODS = {name: name.encode() for name in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")}


class RequestWindow:
    """The window of one request.

    Args:
        kind: `http`, `websocket`, or what else serves requests.
        method: of the request; empty: it has none.

    Attributes:
        status: the status of the answer; 0: not known.
        attributes: anything else to remember about it; kept as JSON.
    """

    __slots__ = (
        "status",
        "attributes",
        "_kind",
        "_method",
        "_window_id",
        "_number",
        "_parent",
        "_start_ns",
        "_first_byte_after_ns",
    )

    def __init__(self, kind: str, method: str = "") -> None:
        self.status = 0
        self.attributes: dict[str, Any] = {}
        self._kind = kind.encode()
        self._method = _METHODS.get(method) or encoded_text(method)
        self._first_byte_after_ns = -1
        self._parent = present.get()
        self._window_id = self._number = _tracer.new_window_id()
        self._start_ns = _tracer.trace_time_ns()
        _tracer.add_window(
            self._number, self._parent, self._kind, b"", self._start_ns, -1, b"", self._method
        )

    @property
    def window_id(self) -> int:
        """Its number in the trace, also when it is over."""
        return self._window_id

    @property
    def is_open(self) -> bool:
        """Whether it has not been closed."""
        return self._number != 0

    def enter(self) -> int:
        """What runs from now on in this context is in the window. Returns what `leave` needs."""
        outside = present.get()
        set_present(self._number)
        return outside

    def leave(self, outside: int) -> None:
        """What runs from now on in this context is in the window that it was in before."""
        if present.get() == self._number:  # otherwise this is another context
            set_present(outside)

    def first_byte(self) -> None:
        """The answer begins: said once."""
        if self._first_byte_after_ns < 0:
            self._first_byte_after_ns = max(_tracer.trace_time_ns() - self._start_ns, 0)

    def close(self, name: str) -> None:
        """The request is over. `name` is the template of its route, never the raw path."""
        if self._number == 0:
            return
        end_ns = _tracer.trace_time_ns()
        _tracer.pause_thread()  # what this allocates is not the program's
        try:
            _tracer.add_window(
                self._number,
                self._parent,
                self._kind,
                _known_names.get(name) or _remembered(name),
                self._start_ns,
                end_ns,
                encoded_attributes(self.attributes) if self.attributes else b"",
                self._method,
                self.status,
                self._first_byte_after_ns,
            )
        finally:
            _tracer.resume_thread()
            self._number = 0


def _remembered(name: str) -> bytes:
    """A name as it is written: on one line, and of a length that a table can show."""
    text = " ".join(name.replace("\0", " ").split())
    if len(text) > _LONGEST_NAME:
        text = text[: _LONGEST_NAME - 1] + "…"
    if len(_known_names) >= _MOST_NAMES:  # not routes, then: nothing may grow with the requests
        _known_names.clear()
    _known_names[name] = encoded = encoded_text(text)
    return encoded
