"""The built pages: `static/`, where the package was built with the web UI."""

from __future__ import annotations

import os

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from memlyze.web.answers import packed

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "static")
_INDEX = "index.html"
# The names of what is in there change with the content.
_ASSETS = "assets"
_FOR_EVER = "private, max-age=31536000, immutable"
# Not what the system's own table says, which may be wrong: a script of the wrong type is not run.
_MEDIA_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".ico": "image/x-icon",
    ".js": "text/javascript",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}


def are_built(folder: str = FOLDER) -> bool:
    """Whether there are pages to serve."""
    return os.path.isfile(os.path.join(folder, _INDEX))


async def page(request: Request) -> Response:
    """A file of the pages; the one page itself for whatever is not one, since its views have
    paths.
    """
    name = request.path_params.get("path", "")
    if "\0" in name:  # no file can be called so
        return PlainTextResponse("there is nothing here; go to /", 404)
    root = os.path.realpath(FOLDER)
    path = os.path.realpath(os.path.join(root, name))
    if os.path.commonpath([root, path]) != root or not os.path.isfile(path):
        if name.startswith((_ASSETS + "/", "api/")):
            return PlainTextResponse("there is nothing here; go to /", 404)
        path = os.path.join(root, _INDEX)
    is_asset = os.path.dirname(os.path.relpath(path, root)) == _ASSETS
    with open(path, "rb") as file:
        body, encoding = packed(file.read(), request.headers.get("accept-encoding", ""))
    return Response(
        body,
        media_type=_MEDIA_TYPES.get(os.path.splitext(path)[1], "application/octet-stream"),
        headers={"Cache-Control": _FOR_EVER if is_asset else "private, no-cache", **encoding},
    )
