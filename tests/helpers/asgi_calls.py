"""Calls ASGI applications as a server does, without one."""

from __future__ import annotations

import asyncio
from typing import Any, Callable, NamedTuple


class Answer(NamedTuple):
    """What a client got."""

    status: int
    body: bytes


def _scope(kind: str, path: str, **more: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "scheme": "http" if kind == "http" else "ws",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", b"testserver")],
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 80),
        "extensions": {},
        "state": {},
        **more,
    }


async def call(
    app: Any, path: str, method: str = "GET", *, body: bytes = b"", pieces_until_gone: int = -1
) -> Answer:
    """One request; the client goes after `pieces_until_gone` pieces of the body (-1: never).

    What the application raises comes out, as it comes to a server.
    """
    received, status, pieces = False, 0, []
    gone = asyncio.Event()

    async def receive() -> dict[str, Any]:
        nonlocal received
        if not received:
            received = True
            return {"type": "http.request", "body": body, "more_body": False}
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
        elif message["type"] == "http.response.body":
            if len(pieces) == pieces_until_gone:
                gone.set()
                await asyncio.sleep(0)
                raise OSError("the client is gone")
            pieces.append(message.get("body", b""))
            if not message.get("more_body", False):  # as a server says after the whole answer
                gone.set()

    headers = [(b"host", b"testserver"), (b"content-length", str(len(body)).encode())]
    await app(_scope("http", path, method=method, headers=headers), receive, send)
    return Answer(status, b"".join(pieces))


async def converse(app: Any, path: str, *texts: str, code: int = 1000) -> list[str]:
    """A websocket connection: these texts, then, when each is answered or the server has closed
    it, the client closes it. What came back.
    """
    messages: list[dict[str, Any]] = [
        {"type": "websocket.connect"},
        *({"type": "websocket.receive", "text": text} for text in texts),
    ]
    sent: list[str] = []
    is_done = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop(0)
        await is_done.wait()
        return {"type": "websocket.disconnect", "code": code}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "websocket.send":
            sent.append(message.get("text") or message["bytes"].decode())
        if len(sent) == len(texts) or message["type"] not in ("websocket.send", "websocket.accept"):
            is_done.set()

    await app(_scope("websocket", path, subprotocols=[]), receive, send)
    return sent


async def live(app: Any, work: Callable[[], Any]) -> list[str]:
    """Start an application up, run `work`, and shut it down. Returns what it said to that, the
    messages of failures included; without `work` where the start-up failed.
    """
    to_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
    task = asyncio.ensure_future(app(scope, to_app.get, said.put))
    heard = []
    for kind in ("startup", "shutdown"):
        await to_app.put({"type": f"lifespan.{kind}"})
        getter = asyncio.ensure_future(said.get())
        await asyncio.wait([getter, task], return_when=asyncio.FIRST_COMPLETED)
        if not getter.done():
            getter.cancel()
            await task  # raises what the application raised
            return [*heard, "unsupported"]
        message = getter.result()
        heard.append(f"{message['type']} {message.get('message', '')}".strip())
        if message["type"] == "lifespan.startup.failed":
            break
        if kind == "startup":
            await work()
    await task
    return heard
