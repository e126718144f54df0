"""A window for each request of an ASGI application: Starlette, FastAPI, Litestar, Quart, any other.

    from memlyze.integrations.asgi import MemlyzeMiddleware

    app.add_middleware(MemlyzeMiddleware, sample_rate=0.01)      # Starlette, FastAPI
    app = MemlyzeMiddleware(app)                                 # any

It needs no framework, and does not buffer: streamed bodies pass as they come, and the window of a
request lasts until the application is done with it, background tasks included.
"""

from __future__ import annotations

import asyncio
from typing import Any, Awaitable, Callable, MutableMapping, overload

from memlyze._speedups._tracer import KnownRoutes, answer_of_asgi
from memlyze.errors import MemlyzeError, OptionError
from memlyze.request_windows import RequestWindow

from ._asgi_routes import RouteNames
from ._control import Control
from ._options import integration_options
from ._recording import Recording, log, share

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class MemlyzeMiddleware:
    """Pure ASGI middleware: each request, and each websocket connection, is a window.

    Args:
        app: the application.
        **options: those of `IntegrationOptions`, and of the recording, as of `memlyze.start`.

    Raises:
        OptionError: an option is wrong, or the middleware is around this application already.
        TraceWriteError: the trace cannot be written.

    Both are mistakes to be found at the start. Where a server is running already, because the
    framework makes its middlewares only then, they are reported as a failed start-up instead, and
    without a lifespan in the log: requests are answered in any case.
    """

    # Frameworks pass `app` by its place or, in older ones, by its name.
    @overload
    def __init__(self, app: Application, /, **options: Any) -> None: ...
    @overload
    def __init__(self, *, app: Application, **options: Any) -> None: ...
    def __init__(self, app: Application, **options: Any) -> None:  # type: ignore[misc]
        self.app = app
        self._names = RouteNames(app)
        self._recording: Recording | None = None
        self._control: Control | None = None
        self._mistake: MemlyzeError | None = None
        self._is_joined = False
        self._records = self._asks_path = False
        self._known = self._names.known
        try:
            _refuse_second(app)
            self.options = integration_options(options)
            if self.options.enabled:
                self._recording = share(self.options)
                self._control = Control.of(self.options, self._recording)
                self._join()
                self._records = True
            self._asks_path = bool(self.options.exclude or self._control)
            if self.options.route_name:  # which is asked each time
                self._known = KnownRoutes()
        except MemlyzeError as mistake:
            if not _is_loop_running():
                raise
            self._mistake = mistake
            log.error("memlyze does not record this application: %s", mistake)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        # What every request pays for is in C; and all of it is in this one coroutine: each further
        # one would be another frame to enter whenever the request goes on.
        answer = None
        if self._records and not (self._asks_path and self._is_left_out(scope)):
            answer = answer_of_asgi(scope, send)
        if answer is None:
            if self._asks_path or scope["type"] == "lifespan":
                await self._pass_on(scope, receive, send)
            else:
                await self.app(scope, receive, send)
            return
        if answer.is_websocket:
            receive = _watching(answer.window, receive)
        try:
            await self.app(scope, receive, answer)
        except BaseException as error:
            answer.failed(error)
            raise
        finally:
            answer.end(self._known, self._name)

    def _is_left_out(self, scope: Scope) -> bool:
        """Whether this path gets no window, or is one of the control endpoint."""
        if scope["type"] not in ("http", "websocket"):
            return True
        path = scope["path"]
        return self.options.leaves_out(path) or self._is_control(scope)

    def _is_control(self, scope: Scope) -> bool:
        if self._control is None or scope["type"] != "http":
            return False
        return self._control.is_for(scope["path"])

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        """What has no window."""
        if scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)
        elif self._control is not None and self._is_control(scope):
            await self._answer_control(self._control, scope, send)
        else:
            await self.app(scope, receive, send)

    async def _answer_control(self, control: Control, scope: Scope, send: Send) -> None:
        found = [value for name, value in scope["headers"] if name == b"authorization"]
        authorization = found[0].decode("latin-1") if len(found) == 1 else ""
        answer = control.answer(scope["method"], scope["path"], authorization)
        headers = [(name.lower().encode(), value.encode()) for name, value in answer.headers]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        body = b"" if scope["method"] == "HEAD" else answer.body
        await send({"type": "http.response.body", "body": body})

    def _name(self, scope: Scope) -> str:
        try:
            asked = self.options.route_name
            return (asked(scope) if asked else None) or self._names.name(scope)
        except Exception as error:  # the request is answered: nothing to disturb it for
            log.warning("memlyze: no name for a request: %r", error)
            return "(no name)"

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            self._join()
        except MemlyzeError as mistake:
            self._mistake = mistake
            self._records = False
        if self._mistake is not None:
            await receive()
            await send({"type": "lifespan.startup.failed", "message": f"memlyze: {self._mistake}"})
            return

        async def send_and_end(message: Message) -> None:
            # Before the server hears of it: some end the process at once.
            if message["type"] in ("lifespan.shutdown.complete", "lifespan.shutdown.failed"):
                self._leave()
            await send(message)

        await self.app(scope, receive, send_and_end)

    def _join(self) -> None:
        """The application is up; also when it comes up once more."""
        if self._recording is not None and not self._is_joined:
            self._recording.join()
            self._is_joined = True

    def _leave(self) -> None:
        if self._recording is not None and self._is_joined:
            self._is_joined = False
            self._recording.leave()


def _watching(window: RequestWindow, receive: Receive) -> Receive:
    """What the application of a websocket is to receive from: the code that the client closes it
    with is remembered, unless the application has closed it before.
    """

    async def watched() -> Message:
        message = await receive()
        if message["type"] == "websocket.disconnect" and window.status == 0:
            window.status = message.get("code", 1005)
        return message

    return watched


def _refuse_second(app: Any) -> None:
    """Raise OptionError where the middleware is inside `app` already."""
    seen = 0
    while app is not None and seen < 100:
        if isinstance(app, MemlyzeMiddleware):
            raise OptionError(
                "MemlyzeMiddleware is around this application already; put it in once"
            )
        app = getattr(app, "app", None)
        seen += 1


def _is_loop_running() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
