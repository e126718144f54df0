"""Runs the application: the port, the signals, the end."""

from __future__ import annotations

import errno
import socket
import types
import typing

import uvicorn

from memlyze.errors import MemlyzeError
from memlyze.web.app import COOKIE, WebApp
from memlyze.web.security import own_names

# How long requests that are being answered are waited for at the end.
_GRACE_S = 2


class ServeError(MemlyzeError):
    """The server cannot be started."""


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 is a free one. Raises ServeError."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (socket.gaierror, UnicodeError) as error:
        raise ServeError(f"there is no host {host!r}: {error}; leave out --host") from None
    listening = socket.socket(family, kind, protocol)
    try:
        # So that the port of a server that has just ended can be had again.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(128)
    except OSError as error:
        listening.close()
        raise ServeError(_refusal(error, host, port)) from None
    return listening


def _refusal(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {port} is in use, perhaps by another memlyze serve; "
            "leave out --port to take a free one, or name another"
        )
    if error.errno == errno.EACCES:
        return f"port {port} may be used by root alone; name one of 1024 or more with --port"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is no address of this machine; leave out --host"
    return f"cannot listen on port {port} of {host}: {error.strerror}; choose another with --port"


class Site:
    """A web application on a port."""

    def __init__(self, paths: typing.Sequence[str], *, host: str, port: int) -> None:
        """Take the port, so that whoever opens `url` gets an answer as soon as `run` is called.

        Raises ServeError when there is no such port to be had.
        """
        self._socket = bind(host, port)
        self._host = host
        self.port: int = self._socket.getsockname()[1]
        # Cookies are shared by all ports of a host.
        self.app = WebApp(paths, names=own_names(host), cookie=f"{COOKIE}_{self.port}")

    @property
    def url(self) -> str:
        """Where it is, with the token that lets in."""
        host = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(self._host, self._host)
        shown = f"[{host}]" if ":" in host else host
        return f"http://{shown}:{self.port}/?token={self.app.token}"

    def run(self, started: typing.Callable[[], object]) -> None:
        """Serve until interrupted; `started` is called when requests are answered."""
        config = uvicorn.Config(
            self.app.application,
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            lifespan="on",
            loop="asyncio",
            ws="none",
            timeout_graceful_shutdown=_GRACE_S,
        )
        _Server(config, self.app, started).run(sockets=[self._socket])


class _Server(uvicorn.Server):
    def __init__(
        self, config: uvicorn.Config, app: WebApp, started: typing.Callable[[], object]
    ) -> None:
        super().__init__(config)
        self._app = app
        self._tell = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._tell()

    def handle_exit(self, sig: int, frame: types.FrameType | None) -> None:
        self._app.watcher.end()
        super().handle_exit(sig, frame)
