"""The middleware: a window for each request, under WSGI and ASGI alike.

The window of a request lasts until its response is made, that of a streamed one until the response
is closed; its pieces are made in the window, too.
"""

from __future__ import annotations

import inspect
from typing import Any, AsyncIterator, Callable, Iterator

from memlyze._speedups._tracer import is_recording
from memlyze.errors import MemlyzeError
from memlyze.request_windows import RequestWindow

from .. import wsgi
from .._application import note_module
from .._control import Control
from .._frameworks import framework
from .._recording import Recording, log, share
from ._settings import options_from_settings, url_module

http: Any = framework("django.http", "django", "Django")
exceptions: Any = framework("django.core.exceptions", "django", "Django")

NO_ROUTE = "(no route)"
WINDOW_ATTRIBUTE = "memlyze_window"


class MemlyzeMiddleware:
    """Django middleware; its options are in the setting `MEMLYZE`.

    Raises:
        ImproperlyConfigured: an option is wrong, or the trace cannot be written.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        self.get_response = get_response
        self._is_async = inspect.iscoroutinefunction(get_response) or _is_marked(get_response)
        if self._is_async:
            _mark(self)
        self._recording: Recording | None = None
        self._control: Control | None = None
        note_module(url_module())
        try:
            self.options = options_from_settings()
            if self.options.enabled:
                self._recording = share(self.options)
                self._control = Control.of(self.options, self._recording)
                self._recording.join()
        except MemlyzeError as error:
            raise exceptions.ImproperlyConfigured(f"memlyze: {error}") from None

    def __call__(self, request: Any) -> Any:
        """Handle one request; a coroutine where the next one is."""
        if self._is_async:
            return self._handle(request)
        if self._control and self._control.is_for(request.path):
            return _control_response(self._control, request)
        window = self._open(request)
        if window is None:
            return self.get_response(request)
        outside = window.enter()
        try:
            response = self.get_response(request)
        except BaseException as error:
            self._failed(window, request, error)
            raise
        finally:
            window.leave(outside)
        return self._pass_on(window, request, response)

    async def _handle(self, request: Any) -> Any:
        if self._control and self._control.is_for(request.path):
            return _control_response(self._control, request)
        window = self._open(request)
        if window is None:
            return await self.get_response(request)
        outside = window.enter()
        try:
            response = await self.get_response(request)
        except BaseException as error:
            self._failed(window, request, error)
            raise
        finally:
            window.leave(outside)
        return self._pass_on(window, request, response)

    def process_exception(self, request: Any, exception: BaseException) -> None:
        """Called by Django when a view has raised; it goes on as without."""
        window = getattr(request, WINDOW_ATTRIBUTE, None)
        if window is not None:
            window.attributes["exception"] = type(exception).__name__

    def _open(self, request: Any) -> RequestWindow | None:
        if (
            self._recording is None
            or not is_recording()
            or wsgi.WINDOW_KEY in _server_side(request)
            or (self.options.exclude and self.options.leaves_out(request.path))
        ):
            return None
        window = RequestWindow("http", request.method or "")
        setattr(request, WINDOW_ATTRIBUTE, window)
        _server_side(request)[wsgi.WINDOW_KEY] = window
        return window

    def _failed(self, window: RequestWindow, request: Any, error: BaseException) -> None:
        window.attributes["exception"] = type(error).__name__
        if isinstance(error, Exception):
            window.status = 500
        else:  # a cancelled task, above all, whose client is gone: who is around it decides
            window.attributes["incomplete"] = True
        window.close(self._name(request))

    def _pass_on(self, window: RequestWindow, request: Any, response: Any) -> Any:
        window.status = response.status_code
        if not getattr(response, "streaming", False) or _is_sent_by_server(request, response):
            window.first_byte()
            window.close(self._name(request))
            return response

        def close() -> None:
            window.close(self._name(request))

        pieces = _Pieces(window, response.streaming_content, close)
        is_async = getattr(response, "is_async", False)
        response.streaming_content = pieces.made_async() if is_async else pieces.made()
        # What Django itself closes a response's files with; `close` is overridden by some.
        response._resource_closers.append(pieces.end)
        return response

    def _name(self, request: Any) -> str:
        try:
            asked = self.options.route_name
            return (asked(request) if asked else None) or route_of(request)
        except Exception as error:  # the request is answered: nothing to disturb it for
            log.warning("memlyze: no name for a request: %r", error)
            return "(no name)"


def route_of(request: Any) -> str:
    """The route of the URL pattern that a request took, with a slash before it."""
    match = getattr(request, "resolver_match", None)
    route = getattr(match, "route", None)
    if route is None:
        return NO_ROUTE
    # Of regular expressions, without what only says where they begin and end.
    return "/" + str(route).replace("^", "").rstrip("$").lstrip("/")


def _control_response(control: Control, request: Any) -> Any:
    """Before any other middleware: no session, and no token of a form, is asked for."""
    authorization = request.META.get("HTTP_AUTHORIZATION", "")
    answer = control.answer(request.method, request.path, authorization)
    response = http.HttpResponse(answer.body, status=answer.status)
    for name, value in answer.headers:
        response[name] = value
    return response


class _Pieces:
    """The pieces of a streamed body, each made in the window."""

    def __init__(self, window: RequestWindow, content: Any, close: Callable[[], None]) -> None:
        self._window = window
        self._content = content
        self._close = close
        self._is_whole = False

    def made(self) -> Iterator[Any]:
        """One after the other."""
        steps = iter(self._content)
        try:
            while True:
                outside = self._window.enter()
                try:
                    piece = next(steps)
                except StopIteration:
                    self._is_whole = True
                    return
                except BaseException as error:
                    self._note_failure(error)
                    raise
                finally:
                    self._window.leave(outside)
                self._window.first_byte()
                yield piece
        finally:
            self.end()

    async def made_async(self) -> AsyncIterator[Any]:
        """The same for an asynchronous body."""
        steps = self._content.__aiter__()
        try:
            while True:
                outside = self._window.enter()
                try:
                    piece = await steps.__anext__()
                except StopAsyncIteration:
                    self._is_whole = True
                    return
                except BaseException as error:
                    self._note_failure(error)
                    raise
                finally:
                    self._window.leave(outside)
                self._window.first_byte()
                yield piece
        finally:
            self.end()

    def _note_failure(self, error: BaseException) -> None:
        if not isinstance(error, GeneratorExit):  # nobody raised that: it is forgotten unfinished
            self._window.attributes["exception"] = type(error).__name__

    def end(self) -> None:
        """There are no more: all were made, or the client is gone, where Django may close only what
        makes the pieces.
        """
        if self._window.is_open:
            if not self._is_whole:
                self._window.attributes["incomplete"] = True
            self._close()


def _is_sent_by_server(request: Any, response: Any) -> bool:
    """Whether it is a file that a WSGI server sends by itself, which it does only of an untouched
    response.
    """
    return (
        getattr(response, "file_to_stream", None) is not None
        and request.META.get("wsgi.file_wrapper") is not None
    )


def _server_side(request: Any) -> Any:
    """What the server has made of the request, and every layer between it and the view can see."""
    return getattr(request, "scope", None) or request.META


def _is_marked(function: Any) -> bool:
    return bool(framework("asgiref.sync", "django", "Django").iscoroutinefunction(function))


def _mark(instance: Any) -> None:
    framework("asgiref.sync", "django", "Django").markcoroutinefunction(instance)
