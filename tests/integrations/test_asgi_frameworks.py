"""The frameworks' own ways to route: each request has the template of its route for a name."""

from __future__ import annotations

import sys
from typing import Any

import pytest

PRELUDE = """
import asyncio
import memlyze
from asgi_calls import call, converse, live
from memlyze.integrations.asgi import MemlyzeMiddleware
kept = []
"""
DRIVE = """
async def work():
    for line in REQUESTS.split():
        method, path = line.split(":")
        if method == "WS":
            print(await converse(app, path, "hi"))
        else:
            print((await call(app, path, method)).status)
print(asyncio.run(live(app, work)))
"""
COMPLETES = "['lifespan.startup.complete', 'lifespan.shutdown.complete']"

STARLETTE = """
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.endpoints import HTTPEndpoint
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route, Router, WebSocketRoute
from starlette.staticfiles import StaticFiles

async def item(request):
    kept.append(bytes(50_000 + request.path_params["id"]))
    later = BackgroundTask(lambda: kept.append(bytes(51_000 + request.path_params["id"])))
    return PlainTextResponse("item", background=later)
def in_thread(request):
    kept.append(bytes(52_000))
    return PlainTextResponse("thread")
async def stream(request):
    async def pieces():
        for piece in range(3):
            await asyncio.sleep(0)
            kept.append(bytes(53_000 + piece))
            yield "x"
    return StreamingResponse(pieces())
class Thing(HTTPEndpoint):
    async def get(self, request):
        return PlainTextResponse("thing")
async def chat(websocket):
    await websocket.accept()
    await websocket.send_text(await websocket.receive_text())
    await websocket.close(3000)
async def on_both(request):
    return PlainTextResponse("both")
async def passes(request, call_next):
    return await call_next(request)
tenant = Starlette(routes=[Route("/hello/{who}", lambda request: PlainTextResponse(""))])
app = Starlette(
    routes=[
        Route("/items/{id:int}", item, methods=["GET", "POST"]),
        Route("/thread", in_thread),
        Route("/stream", stream),
        Route("/thing/{name}", Thing),
        Route("/old/{x}", on_both),
        Route("/new/{x}", on_both),
        WebSocketRoute("/chat/{room}", chat),
        Mount("/tenants/{tenant}", tenant),
        Mount("/files", StaticFiles(directory=".")),
    ],
    middleware=[
        Middleware(MemlyzeMiddleware, sample_rate=1.0),
        Middleware(BaseHTTPMiddleware, dispatch=passes),
    ],
)
REQUESTS = '''GET:/items/1 POST:/items/2 GET:/thread GET:/stream GET:/thing/a GET:/old/1 GET:/new/1
    WS:/chat/r1 GET:/tenants/t1/hello/bob GET:/files/program.py GET:/nowhere/1 PUT:/items/3'''
"""

FASTAPI = """
from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI
app = FastAPI()
app.add_middleware(MemlyzeMiddleware, sample_rate=1.0)
def dependency():
    kept.append(bytes(54_000))
@app.get("/items/{id}")
async def item(id: int, tasks: BackgroundTasks, _=Depends(dependency)):
    kept.append(bytes(50_000 + id))
    tasks.add_task(lambda: kept.append(bytes(51_000 + id)))
    return {"id": id}
@app.get("/thread")
def in_thread():
    kept.append(bytes(52_000))
inner = APIRouter(prefix="/inner")
@inner.post("/{x}")
async def x(x: str): return x
outer = APIRouter()
outer.include_router(inner, prefix="/outer")
app.include_router(outer, prefix="/api")
REQUESTS = "GET:/items/1 GET:/thread POST:/api/outer/inner/5 GET:/items/no GET:/nowhere"
"""

LITESTAR = """
from litestar import Litestar, Router, asgi, get, post
from litestar.types import Receive, Scope, Send
@get("/items/{id:int}")
async def item(id: int) -> str:
    kept.append(bytes(50_000 + id))
    return "item"
@get("/thread", sync_to_thread=True)
def in_thread() -> str:
    kept.append(bytes(52_000))
    return ""
@post("/{x:str}")
async def x(x: str) -> str: return x
@asgi("/mounted", is_mount=True)
async def mounted(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})
app = MemlyzeMiddleware(
    Litestar([item, in_thread, Router("/api", route_handlers=[x, mounted])]), sample_rate=1.0
)
REQUESTS = "GET:/items/1 GET:/thread POST:/api/5 GET:/api/mounted/4711/x GET:/nowhere"
"""

QUART = """
from quart import Blueprint, Quart, websocket
app = Quart("program")
@app.get("/items/<int:id>")
async def item(id):
    kept.append(bytes(50_000 + id))
    return "item"
@app.get("/thread")
def in_thread():
    kept.append(bytes(52_000))
    return ""
api = Blueprint("api", "program", url_prefix="/api")
@api.post("/<x>")
async def x(x): return x
@api.websocket("/chat/<room>")
async def chat(room):
    kept.append(bytes(53_000))
    await websocket.send(await websocket.receive())
    await websocket.close(3000)
@api.before_websocket
async def refuses():
    if websocket.path.endswith("/closed"):
        return "closed", 403
app.register_blueprint(api)
app.asgi_app = MemlyzeMiddleware(app.asgi_app, sample_rate=1.0)
REQUESTS = '''GET:/items/1 GET:/thread POST:/api/5 GET:/nowhere
    WS:/api/chat/r1 WS:/api/chat/closed WS:/nowhere'''
"""


def names(trace: Any) -> list[str]:
    return [f"{window['method']} {window['name']}".strip() for window in trace.windows.values()]


def window_of(trace: Any, size: int) -> dict[str, Any]:
    found: dict[str, Any] = trace.windows[trace.one(size + 33).window_id]
    return found


def test_starlette(serve: Any) -> None:
    pytest.importorskip("starlette")
    served = serve(PRELUDE + STARLETTE + DRIVE)
    assert served.lines == [
        *["200"] * 7,
        "['hi']",
        "200",
        "200",
        "404",
        "405",
        COMPLETES,
    ]
    trace = served.trace
    assert names(trace) == [
        "GET /items/{id:int}",
        "POST /items/{id:int}",
        "GET /thread",
        "GET /stream",
        "GET /thing/{name}",
        "GET /old/{x}",
        "GET /new/{x}",
        "/chat/{room}",
        "GET /tenants/{tenant}/hello/{who}",
        "GET /files/{path:path}",
        "GET (no route)",
        "PUT /items/{id:int}",
    ]
    first, second, _, stream, *_ = trace.windows.values()
    assert window_of(trace, 50_001) == window_of(trace, 51_001) == first
    assert window_of(trace, 50_002) == window_of(trace, 51_002) == second
    assert window_of(trace, 52_000)["name"] == "/thread"
    assert {window_of(trace, 53_000 + piece)["window_id"] for piece in range(3)} == {
        stream["window_id"]
    }


def test_fastapi(serve: Any) -> None:
    pytest.importorskip("fastapi")
    served = serve(PRELUDE + FASTAPI + DRIVE)
    assert served.lines == ["200", "200", "200", "422", "404", COMPLETES]
    trace = served.trace
    assert names(trace) == [
        "GET /items/{id}",
        "GET /thread",
        "POST /api/outer/inner/{x}",
        "GET /items/{id}",
        "GET (no route)",
    ]
    first = next(iter(trace.windows.values()))
    for size in (50_001, 51_001):
        assert window_of(trace, size) == first
    assert window_of(trace, 52_000)["name"] == "/thread"


def test_litestar(serve: Any) -> None:
    pytest.importorskip("litestar")
    served = serve(PRELUDE + LITESTAR + DRIVE)
    assert served.lines == ["200", "200", "201", "200", "404", COMPLETES]
    trace = served.trace
    assert names(trace) == [
        "GET /items/{id}",
        "GET /thread",
        "POST /api/{x}",
        "GET /api/mounted/{path:path}",
        "GET (no route)",
    ]
    assert window_of(trace, 50_001)["name"] == "/items/{id}"
    assert window_of(trace, 52_000)["name"] == "/thread"


@pytest.mark.skipif(
    sys.version_info >= (3, 15), reason="Quart does not answer websockets there, on its own either"
)
def test_quart(serve: Any) -> None:
    pytest.importorskip("quart")
    served = serve(PRELUDE + QUART + DRIVE)
    assert served.lines == ["200", "200", "200", "404", "['hi']", "[]", "[]", COMPLETES]
    trace = served.trace
    assert names(trace) == [
        "GET /items/<int:id>",
        "GET /thread",
        "POST /api/<x>",
        "GET (no route)",
        "/api/chat/<room>",
        "/api/chat/<room>",
        "(no route)",
    ]
    assert window_of(trace, 53_000)["kind"] == "websocket"
    assert window_of(trace, 50_001)["name"] == "/items/<int:id>"
    assert window_of(trace, 52_000)["name"] == "/thread"


def test_middleware_that_starlette_puts_in_twice_fails_the_start_up(serve: Any) -> None:
    pytest.importorskip("starlette")
    served = serve(
        PRELUDE
        + """
import logging; logging.disable()
from starlette.applications import Starlette
app = Starlette()
app.add_middleware(MemlyzeMiddleware)
app.add_middleware(MemlyzeMiddleware)
print(asyncio.run(live(app, None)))
memlyze.stop()
"""
    )
    assert "lifespan.startup.failed memlyze: MemlyzeMiddleware is around" in served.lines[0]
