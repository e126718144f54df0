"""A window for each request of a WSGI application.

    from memlyze.integrations.wsgi import MemlyzeMiddleware

    application = MemlyzeMiddleware(application, sample_rate=0.01)

The window of a request lasts until its body is closed. A streamed body is in its window exactly
while it makes a piece, so that a server may do what it likes in between, in any thread or greenlet.
"""

from __future__ import annotations

from types import FunctionType
from typing import Any, Callable, Dict, Iterable

from memlyze._speedups._tracer import request_of_wsgi
from memlyze.errors import OptionError

from ._application import note_module
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
        flask = getattr(app, "__self__", None)  # of `app.wsgi_app`, the application
        note_module(getattr(flask, "import_name", None) or _module_of_function(app))
        if self.options.enabled:
            self._recording = share(self.options)
            self._control = Control.of(self.options, self._recording)
            self._recording.join()
        self._records = self.options.enabled
        self._asks_path = bool(self.options.exclude or self._control)
        self._is_asked = self.options.route_name is not None

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Handle one request."""
        request = None
        if self._records and not (self._asks_path and self._is_left_out(environ)):
            request = request_of_wsgi(environ, start_response, self.name, self._is_asked)
        if request is None:
            return self._pass_on(environ, start_response)
        try:
            body = self.app(environ, request)
        except BaseException as error:
            request.failed(error)
            raise
        return request.pass_on(body)

    def _is_left_out(self, environ: Environ) -> bool:
        """Whether this path gets no window, or is one of the control endpoint."""
        path = _path(environ)
        return self.options.leaves_out(path) or bool(self._control and self._control.is_for(path))

    def _pass_on(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """What has no window."""
        if self._control and self._control.is_for(_path(environ)):
            return _answer_control(self._control, environ, start_response)
        return self.app(environ, start_response)

    def name(self, environ: Environ) -> str:
        """The route of a request that is over."""
        try:
            asked = self.options.route_name
            return (asked(environ) if asked else None) or environ.get(ROUTE_KEY) or NO_ROUTE
        except Exception as error:  # the request is answered: nothing to disturb it for
            log.warning("memlyze: no name for a request: %r", error)
            return "(no name)"


def _module_of_function(app: Application) -> str | None:
    """Of an object it is its class's, which a library may have made."""
    return app.__module__ if isinstance(app, FunctionType) else None


def _path(environ: Environ) -> str:
    return str(environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", ""))


def _answer_control(
    control: Control, environ: Environ, start_response: StartResponse
) -> Iterable[bytes]:
    method = environ["REQUEST_METHOD"]
    answer = control.answer(method, _path(environ), environ.get("HTTP_AUTHORIZATION", ""))
    start_response(f"{answer.status} {answer.reason}", answer.headers)
    return [] if method == "HEAD" else [answer.body]
