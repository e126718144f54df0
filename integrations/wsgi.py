"""A window for each request of a WSGI application.

    from memlyze.integrations.wsgi import MemlyzeMiddleware

    application = MemlyzeMiddleware(application, sample_rate=0.01)

The window of a request lasts until its body is closed. A streamed body is in its window exactly
while it makes a piece, so that a server may do what it likes in between, in any thread or greenlet.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterable, Iterator

from memlyze._speedups._tracer import is_recording
from memlyze.errors import OptionError
from memlyze.request_windows import RequestWindow

from ._control import Control
from ._options import integration_options
from ._recording import Recording, log, share

Environ = Dict[str, Any]
StartResponse = Callable[..., Callable[[bytes], object]]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

WINDOW_KEY = "memlyze.window"
ROUTE_KEY = "memlyze.route"
NO_ROUTE = "(no route)"


class MemlyzeMiddleware:
    """WSGI middleware: each request is a window.

    WSGI does not say which route a request takes. What sets `environ["memlyze.route"]` is
    believed, and of Flask the URL rule is found; otherwise pass `route_name`.

    Args:
        app: the application.
        **options: those of `IntegrationOptions`, and of the recording, as of `memlyze.start`.

    Raises:
        OptionError: an option is wrong, or the middleware is around this application already.
        TraceWriteError: the trace cannot be written.
    """

    def __init__(self, app: Application, **options: Any) -> None:
        if isinstance(app, MemlyzeMiddleware):
            raise OptionError(
                "MemlyzeMiddleware is around this application already; put it in once"
            )
        self.app = app
        self.options = integration_options(options)
        self._recording: Recording | None = None
        self._control: Control | None = None
        if self.options.enabled:
            self._recording = share(self.options)
            self._control = Control.of(self.options, self._recording)
            self._recording.join()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Handle one request."""
        path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        if self._control and self._control.is_for(path):
            return _answer_control(self._control, path, environ, start_response)
        if (
            self._recording is None
            or not is_recording()
            or WINDOW_KEY in environ
            or (self.options.exclude and self.options.leaves_out(path))
        ):
            return self.app(environ, start_response)
        request = _Request(self, environ, start_response)
        outside = request.window.enter()
        try:
            body = self.app(environ, request.start_response)
        except BaseException as error:
            request.failed(error)
            request.window.leave(outside)
            request.close()
            raise
        request.window.leave(outside)
        return request.pass_on(body)

    def name(self, environ: Environ) -> str:
        """The route of a request that is over."""
        try:
            asked = self.options.route_name
            return (asked(environ) if asked else None) or environ.get(ROUTE_KEY) or NO_ROUTE
        except Exception as error:  # the request is answered: nothing to disturb it for
            log.warning("memlyze: no name for a request: %r", error)
            return "(no name)"


def _answer_control(
    control: Control, path: str, environ: Environ, start_response: StartResponse
) -> Iterable[bytes]:
    method = environ["REQUEST_METHOD"]
    answer = control.answer(method, path, environ.get("HTTP_AUTHORIZATION", ""))
    start_response(f"{answer.status} {answer.reason}", answer.headers)
    return [] if method == "HEAD" else [answer.body]


class _Request:
    """One request on its way."""

    __slots__ = ("window", "_middleware", "_environ", "_start_response")

    def __init__(
        self, middleware: MemlyzeMiddleware, environ: Environ, start_response: StartResponse
    ) -> None:
        self.window = environ[WINDOW_KEY] = RequestWindow("http", environ["REQUEST_METHOD"])
        self._middleware = middleware
        self._environ = environ
        self._start_response = start_response

    def start_response(self, status: str, *more: Any) -> Callable[[bytes], object]:
        """What the application calls before it gives its body."""
        digits = status[:3]
        self.window.status = int(digits) if digits.isdigit() else 0
        if "werkzeug.request" in self._environ:
            self._note_rule()
        write = self._start_response(status, *more)

        def write_and_note(data: bytes) -> object:
            self.window.first_byte()
            return write(data)

        return write_and_note

    def _note_rule(self) -> None:
        """Of a request that Flask serves, which is in the environ as long as that is at work."""
        rule = getattr(self._environ.get("werkzeug.request"), "url_rule", None)
        if rule is not None:
            self._environ.setdefault(ROUTE_KEY, rule.rule)

    def pass_on(self, body: Iterable[bytes]) -> Iterable[bytes]:
        """The body as the server gets it: as it is where nothing of it is still to be made."""
        wrapper = self._environ.get("wsgi.file_wrapper")
        is_file = isinstance(wrapper, type) and isinstance(body, wrapper)
        if is_file or isinstance(body, (list, tuple)):
            self.window.first_byte()
            self.close()
            return body
        return _Body(self, body)

    def failed(self, error: BaseException) -> None:
        """The application raised."""
        self.window.attributes["exception"] = type(error).__name__
        if isinstance(error, Exception):
            self.window.status = self.window.status or 500

    def close(self) -> None:
        """The request is over."""
        self.window.close(self._middleware.name(self._environ))


class _Body:
    """A body that is made piece by piece."""

    __slots__ = ("_request", "_body", "_pieces", "_is_whole")

    def __init__(self, request: _Request, body: Iterable[bytes]) -> None:
        self._request = request
        self._body = body
        self._pieces: Iterator[bytes] | None = None
        self._is_whole = False

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        window = self._request.window
        outside = window.enter()
        try:
            if self._pieces is None:
                self._pieces = iter(self._body)
            piece = next(self._pieces)
            if piece:
                window.first_byte()
            return piece
        except StopIteration:
            self._is_whole = True
            raise
        except BaseException as error:
            self._request.failed(error)
            raise
        finally:
            window.leave(outside)

    def close(self) -> None:
        """Called by the server in any case, also where the client is gone."""
        window = self._request.window
        outside = window.enter()
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        finally:
            window.leave(outside)
            if not self._is_whole:
                window.attributes["incomplete"] = True
            self._request.close()
