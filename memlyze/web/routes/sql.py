"""The SQL console's routes."""

from __future__ import annotations

import os
import re
import typing

import orjson
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from memlyze.web.answers import JSON, encode
from memlyze.web.catalogue import Catalogue
from memlyze.web.console import Console
from memlyze.web.console_limits import LIMITS
from memlyze.web.contract import read_parameters
from memlyze.web.failures import BadRequestError, CancelledError, TooGreatError
from memlyze.web.requests import until_gone

_QUERY_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MOST_BYTES = 1 << 20
_ONE = "/api/sql/{query_id}"


class SqlRoutes:
    """The endpoints of `/api/sql` and below."""

    def __init__(self, catalogue: Catalogue, console: Console) -> None:
        self._catalogue = catalogue
        self._console = console

    async def run(self, request: Request) -> Response:
        """POST `/api/sql`."""
        asked = await _body(request)
        query_id, query = asked.get("query_id"), asked.get("query")
        page_rows = asked.get("page_rows", LIMITS.page_rows)
        if not isinstance(query_id, str) or not _QUERY_ID.fullmatch(query_id):
            raise BadRequestError("query_id is 1 to 64 letters, digits, - or _")
        if not isinstance(query, str):
            raise BadRequestError("query is the text of one SQL statement")
        if not isinstance(page_rows, int) or not 0 <= page_rows <= LIMITS.most_page_rows:
            raise BadRequestError(f"page_rows is from 0 to {LIMITS.most_page_rows}")
        trace = self._catalogue.find(asked.get("trace"))
        try:
            running = self._console.run(trace, query, query_id, page_rows)
            result = await until_gone(request, running)
        except CancelledError:
            self._console.cancel(query_id)  # the page has gone: nobody else would
            raise
        return Response(encode(result), media_type=JSON, headers={"Cache-Control": "no-store"})

    async def page(self, request: Request) -> Response:
        """GET `/api/sql/{query_id}`."""
        asked = read_parameters(_ONE, request.query_params.multi_items())
        found = await self._console.page(
            request.path_params["query_id"], max(asked["offset"] or 0, 0), asked["limit"]
        )
        return Response(encode(found), media_type=JSON, headers={"Cache-Control": "no-store"})

    async def cancel(self, request: Request) -> Response:
        """DELETE `/api/sql/{query_id}`."""
        self._console.cancel(request.path_params["query_id"])
        return Response(status_code=204)

    async def download(self, request: Request) -> Response:
        """GET `/api/sql/{query_id}/download`."""
        asked = read_parameters(_ONE + "/download", request.query_params.multi_items())
        query_id = request.path_params["query_id"]
        writing = self._console.download(query_id, asked["format"])
        try:
            path = await until_gone(request, writing)
        except CancelledError:
            self._console.cancel(query_id)
            raise
        return FileResponse(
            path,
            media_type="application/octet-stream",
            filename="query." + asked["format"],
            headers={"Cache-Control": "no-store"},
            background=BackgroundTask(os.unlink, path),
        )


async def _body(request: Request) -> dict[str, typing.Any]:
    """The JSON object of a request. That it must say so keeps forms of other pages out."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != JSON:
        raise BadRequestError(f"the content type of a query is {JSON}")
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _MOST_BYTES:
            raise TooGreatError("the query is longer than 1 MiB; shorten it")
    try:
        found = orjson.loads(body)
    except ValueError as error:
        raise BadRequestError(f"the request is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise BadRequestError("the request is not a JSON object")
    return found
