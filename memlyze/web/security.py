"""Keeps everybody out but who was given the URL.

A web page of somebody else can make the browser send requests here; it must neither read a trace
nor run a query. It does not know the token, the cookie does not go with its requests (`SameSite`),
its `Origin` is another, and a name of its own that it lets point to this address (DNS rebinding) is
no `Host` of ours.
"""

from __future__ import annotations

import ipaddress
import secrets
import socket
import typing
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse

from memlyze.web.answers import error_response
from memlyze.web.failures import ForbiddenError, RequestError, UnauthorizedError

if typing.TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "font-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Guard:
    """ASGI middleware: lets through what comes from our own page, and marks each answer."""

    def __init__(
        self, app: ASGIApp, *, token: str, cookie: str, names: typing.Iterable[str]
    ) -> None:
        """`names` are host names by which the server may be called; addresses always are fine."""
        self._app = app
        self._token = token
        self._cookie = cookie
        self._names = {name.lower() for name in names}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        try:
            self._check_origin(scope)
            token = _token_in_url(scope)
            if token is not None and self._is_token(token):
                await self._welcome(scope)(scope, receive, send_marked)
                return
            self._check_token(scope)
        except RequestError as failure:
            is_page = not scope["path"].startswith("/api/")
            response = (
                PlainTextResponse(str(failure), failure.status)
                if is_page
                else error_response(failure)
            )
            await response(scope, receive, send_marked)
            return
        await self._app(scope, receive, send_marked)

    def _check_origin(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self._is_own_name(_host_name(host)):
            raise ForbiddenError(
                f"memlyze serve is not to be called {host!r} here; open the URL that it printed"
            )
        origin = headers.get("origin")
        if origin is not None and origin != f"{scope['scheme']}://{host}":
            raise ForbiddenError(f"a page of {origin!r} may not ask memlyze serve")
        site = headers.get("sec-fetch-site", "none")
        if scope["path"].startswith("/api/") and site not in ("same-origin", "none"):
            raise ForbiddenError("another page may not ask memlyze serve")

    def _is_own_name(self, name: str) -> bool:
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return name in self._names
        return True

    def _check_token(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        given = _cookie_values(headers.getlist("cookie"), self._cookie)
        scheme, _, value = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            given.append(value.strip())
        if not any(self._is_token(token) for token in given if token):
            raise UnauthorizedError(
                "open the URL that memlyze serve printed: it has the token that lets you in. "
                "Where you have just followed it from another page, reload this one."
            )

    def _is_token(self, given: str) -> bool:
        return secrets.compare_digest(given.encode(), self._token.encode())

    def _welcome(self, scope: Scope) -> RedirectResponse:
        """To the same page without the token, which a cookie has from now on."""
        rest = [pair for pair in _query(scope) if pair[0] != "token"]
        # One slash: two would lead to another host.
        target = "/" + scope["path"].lstrip("/\\") + ("?" + urlencode(rest) if rest else "")
        response = RedirectResponse(target, status_code=303)
        response.set_cookie(self._cookie, self._token, path="/", httponly=True, samesite="strict")
        return response


def own_names(host: str) -> list[str]:
    """The names under which a server that was bound to `host` may be called."""
    names = ["localhost", host]
    if host in ("0.0.0.0", "::", ""):
        names += [socket.gethostname(), socket.getfqdn()]
    return names


def _query(scope: Scope) -> list[tuple[str, str]]:
    return parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)


def _token_in_url(scope: Scope) -> str | None:
    if scope["method"] != "GET" or scope["path"].startswith("/api/"):
        return None
    return dict(_query(scope)).get("token")


def _host_name(host: str) -> str:
    try:
        return urlsplit("//" + host).hostname or ""
    except ValueError:
        return ""


def _cookie_values(headers: typing.Iterable[str], name: str) -> list[str]:
    """The values of the cookies of a name.

    Other servers of this host have cookies of their own here, of whatever form: `http.cookies`
    reads none of those that stand behind one that it does not understand.
    """
    pairs = (pair.strip().partition("=") for header in headers for pair in header.split(";"))
    return [value for key, _, value in pairs if key == name]
