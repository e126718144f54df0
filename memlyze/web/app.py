"""The ASGI application of `memlyze serve`: which path is answered by what."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import typing

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from memlyze.errors import MemlyzeError
from memlyze.web import contract, pages
from memlyze.web.answers import JSON, encode, error_response
from memlyze.web.catalogue import Catalogue
from memlyze.web.console import Console
from memlyze.web.events import Watcher
from memlyze.web.failures import NotFoundError, RequestError
from memlyze.web.requests import Answer, Asking
from memlyze.web.routes import ANSWERS, overview
from memlyze.web.routes.sql import SqlRoutes
from memlyze.web.security import Guard
from memlyze.web.worker import Worker

if typing.TYPE_CHECKING:
    from starlette.types import ASGIApp

COOKIE = "memlyze"
Endpoint = typing.Callable[[Request], typing.Awaitable[Response]]


class WebApp:
    """The application with what it holds: traces, the thread that asks them, who listens."""

    def __init__(
        self,
        paths: typing.Sequence[str],
        *,
        names: typing.Iterable[str] = ("localhost",),
        token: str | None = None,
        cookie: str = COOKIE,
    ) -> None:
        """Serve trace files and folders at `paths`, under the host names `names`, to whoever has
        the `token` (default: a random one).
        """
        self.token = token or secrets.token_urlsafe(24)
        self.catalogue = Catalogue(paths)
        self.worker = Worker()
        self.watcher = Watcher(self.catalogue)
        self.console = Console()
        self._sql = SqlRoutes(self.catalogue, self.console)
        self._asking = Asking(self.catalogue, self.worker)
        self.application: ASGIApp = Guard(
            self._make_application(), token=self.token, cookie=cookie, names=names
        )

    def _make_application(self) -> Starlette:
        routes = [
            Route("/api/traces", _worded(self._traces)),
            Route("/api/openapi.json", _contract),
            Route("/api/events", self._events),
            *(
                Route(_typed(path), _worded(self._endpoint(path, function)))
                for path, function in ANSWERS
            ),
            Route("/api/sql", _worded(self._sql.run), methods=["POST"]),
            Route("/api/sql/{query_id}", _worded(self._sql.page)),
            Route("/api/sql/{query_id}", _worded(self._sql.cancel), methods=["DELETE"]),
            Route("/api/sql/{query_id}/download", _worded(self._sql.download)),
            Route("/api/{path:path}", _worded(_no_such_route)),
            Route("/{path:path}", pages.page),
        ]
        return Starlette(routes=routes, lifespan=self._lifespan)

    @contextlib.asynccontextmanager
    async def _lifespan(self, app: Starlette) -> typing.AsyncIterator[None]:
        working = [
            asyncio.ensure_future(self.watcher.watch()),
            asyncio.ensure_future(self._prepare()),
        ]
        try:
            yield
        finally:
            for task in working:
                task.cancel()
            self.console.close()
            self.worker.close()
            self.catalogue.close()

    async def _prepare(self) -> None:
        """Open the first trace while the browser starts; the page is told what is wrong with it."""
        with contextlib.suppress(MemlyzeError):
            await self._asking.prepare("/api/info", overview.info)

    def _endpoint(self, path: str, function: Answer) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            return await self._asking.answer(request, path, function)

        return endpoint

    async def _traces(self, request: Request) -> Response:
        import memlyze

        traces = [trace.entry for trace in self.catalogue.traces]
        body = encode({"traces": traces, "version": memlyze.__version__})
        return Response(body, media_type=JSON, headers={"Cache-Control": "no-store"})

    async def _events(self, request: Request) -> Response:
        return StreamingResponse(
            self.watcher.messages(),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store"},
        )


def _typed(path: str) -> str:
    return path.replace("{window_id}", "{window_id:int}")


async def _contract(request: Request) -> Response:
    return Response(encode(contract.document()), media_type=JSON)


async def _no_such_route(request: Request) -> Response:
    raise NotFoundError(
        f"there is no {request.url.path} here; /api/openapi.json lists what there is"
    )


def _worded(endpoint: Endpoint) -> Endpoint:
    """The endpoint, whose errors are answers."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except MemlyzeError as error:
            return error_response(error)
        except Exception as error:
            what = f"{type(error).__name__}: {error}"
            return error_response(RequestError(f"memlyze cannot answer {request.url.path}: {what}"))

    return answer
