"""The template of the route that an ASGI request took: `/items/{id}`, never `/items/4711`.

There is no standard for it. Frameworks leave traces in the scope while they route:

- anything that sets `scope["memlyze.route"]` is believed;
- Litestar sets `path_template`, which is empty for what is mounted: its routes tell where that is;
- Starlette, and FastAPI above it, set the endpoint and the outermost router; the routes beneath
  that are searched once for where the endpoint hangs, mounts included.

Quart and Flask say nothing there: for Quart, the application is asked to tell (`quart_tells`).

The modules of the endpoints are noted as the application's own (`note_module`).
"""

from __future__ import annotations

import importlib
import re
from typing import Any, Awaitable, Callable, Iterator, List, MutableMapping, Pattern, Tuple

from memlyze._speedups._tracer import KnownRoutes

from ._application import note_module

ROUTE_KEY = "memlyze.route"
NO_ROUTE = "(no route)"

_NAMES_BETWEEN_LOOKS = 200
_MOST_TOLD = 4096

_Places = List[Tuple[str, Pattern[str]]]


class RouteNames:
    """Finds the templates for the requests of one application."""

    def __init__(self, app: Any) -> None:
        self._places: dict[int, dict[int, _Places]] = {}
        self._sizes: dict[int, int] = {}
        self.known = KnownRoutes()
        self._told: set[str] = set()  # names that were told, and whose endpoints were noted
        quart_tells(app)

    def name(self, scope: MutableMapping[str, Any]) -> str:
        """The template of the route that was taken; `(no route)` where there was none. Only where
        `known` does not know it.
        """
        told = scope.get(ROUTE_KEY) or scope.get("path_template")
        if told == "":
            told = _litestar_mount(scope)
        if isinstance(told, str):
            if told not in self._told:
                self._note_told(scope, told)
            return told
        endpoint, router = scope.get("endpoint"), scope.get("router")
        if endpoint is None or router is None:
            path = getattr(scope.get("route"), "path", None)
            return path if isinstance(path, str) else NO_ROUTE
        return self._looked_up(scope, endpoint, router)

    def _note_told(self, scope: MutableMapping[str, Any], told: str) -> None:
        if len(self._told) < _MOST_TOLD:
            self._told.add(told)
            handler = getattr(scope.get("route_handler"), "fn", None)
            note_module(getattr(handler, "__module__", None))

    def _looked_up(self, scope: MutableMapping[str, Any], endpoint: Any, router: Any) -> str:
        # Asking a router for its routes is what costs: some make the list anew each time.
        if self.known.is_old:
            self.known.renew(_NAMES_BETWEEN_LOOKS)
        places = self._places_of(router).get(id(endpoint))
        if places is None:
            return NO_ROUTE
        note_module(getattr(endpoint, "__module__", None))
        if len(places) > 1:
            for template, pattern in places:
                if pattern.match(scope["path"]):
                    return template
        else:
            self.known.remember(endpoint, places[0][0])
        return places[0][0]

    def _places_of(self, router: Any) -> dict[int, _Places]:
        """Where each endpoint hangs beneath a router; anew when routes were added to it."""
        key, size = id(router), len(router.routes)
        if self._sizes.get(key) != size:
            found: dict[int, _Places] = {}
            for template, endpoint in _endpoints(router.routes, ""):
                found.setdefault(id(endpoint), []).append((template, _pattern(template)))
            self._places[key], self._sizes[key] = found, size
        return self._places[key]


def _endpoints(routes: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    """Each endpoint with its whole template; of a mounted application, all that is beneath."""
    for route in routes or ():
        path = prefix + (getattr(route, "path", None) or "")
        endpoint = getattr(route, "endpoint", None)
        if endpoint is not None:
            yield path or "/", endpoint
        included = getattr(route, "effective_candidates", None)
        if callable(included):  # a router that a newer FastAPI includes whole, prefixes and all
            yield from _endpoints(included(), prefix)
        mounted = getattr(route, "app", None)
        beneath = getattr(route, "routes", None)
        if beneath:
            yield from _endpoints(beneath, path)
        elif endpoint is None and mounted is not None:
            yield path + "/{path:path}", mounted


def _litestar_mount(scope: MutableMapping[str, Any]) -> str:
    """Where Litestar has mounted the application that it has passed the request to."""
    handler = scope.get("route_handler")
    for route in getattr(scope.get("litestar_app"), "routes", ()):
        if handler is not None and getattr(route, "route_handler", None) is handler:
            return str(route.path).rstrip("/") + "/{path:path}"
    return NO_ROUTE


def _pattern(template: str) -> Pattern[str]:
    """What matches the paths of a template; `{name:path}` goes over several parts."""
    parts = re.split(r"(\{[^}]*\})", template)
    written = (
        re.escape(part)
        if not part.startswith("{")
        else ".*"
        if part.endswith(":path}")
        else "[^/]+"
        for part in parts
    )
    return re.compile("".join(written) + r"\Z")


def quart_tells(app: Any) -> None:
    """Let a Quart application say the rule of each request, and each websocket, in its scope."""
    quart = getattr(app, "__self__", app)  # of `app.asgi_app`, the application
    if type(quart).__module__.partition(".")[0] != "quart" or not hasattr(quart, "url_map"):
        return
    module: Any = importlib.import_module("quart")
    note_module(quart.import_name)

    def teller(connection: Any) -> Callable[[], Awaitable[None]]:
        async def tell() -> None:
            rule = connection.url_rule
            if rule is not None:
                connection.scope[ROUTE_KEY] = rule.rule

        return tell

    # First: what an application's own function answers has a route, too.
    quart.before_request_funcs.setdefault(None, []).insert(0, teller(module.request))
    quart.before_websocket_funcs.setdefault(None, []).insert(0, teller(module.websocket))
