#!/usr/bin/env python3
"""How many instructions a request is, with the middleware and without, by valgrind's count.

The two applications of `servers.py`, called as a server calls them but without one: what is
counted is the application, the middleware and the recorder in the thread that serves, and no system
call. So the share is greater than that of a request to a server. It repeats to half a hundredth:
CPython's cache of types depends on addresses.

    .venv/bin/python benchmarks/request_instructions.py
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import io
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Iterator

from servers import DJANGO, FASTAPI

PROGRAMS = {"FastAPI, JSON": FASTAPI, "Django, template": DJANGO}
# Nothing of what is counted calls these: they say where the counting begins, and where it ends.
BEGIN, END = os.getppid, os.getpgrp
REQUESTS_BEFORE = 300


def numbers(requests: int) -> Iterator[int]:
    """Of the requests, those that warm up first."""
    for place in range(REQUESTS_BEFORE + requests):
        if place == REQUESTS_BEFORE:
            BEGIN()
        yield place * 7919 % 10_000
    END()


async def call_asgi(app: Any, requests: int) -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        pass

    for number in numbers(requests):
        path = f"/items/{number}"
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(b"host", b"127.0.0.1"), (b"connection", b"keep-alive")],
            "client": ("127.0.0.1", 50_000),
            "server": ("127.0.0.1", 8000),
            "state": {},
        }
        await asyncio.get_running_loop().create_task(app(scope, receive, send))


def call_wsgi(app: Any, requests: int) -> None:
    for number in numbers(requests):
        environ = {
            "REQUEST_METHOD": "GET",
            "SCRIPT_NAME": "",
            "PATH_INFO": f"/items/{number}",
            "QUERY_STRING": "",
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "8000",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": "127.0.0.1",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(),
            "wsgi.errors": sys.stderr,
        }
        body = app(environ, lambda status, headers, exc_info=None: None)
        for _ in body:
            pass
        getattr(body, "close", int)()


def serve(requests: int) -> None:
    """Call the application in the working directory; runs under valgrind."""
    sys.path.insert(0, os.getcwd())
    app = importlib.import_module("program").app
    if Path("program.py").read_text(encoding="utf-8") == FASTAPI:
        asyncio.run(call_asgi(app, requests))
    else:
        call_wsgi(app, requests)


def count(source: str, is_recorded: bool, requests: int) -> float:
    """Instructions a request."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "program.py").write_text(source, encoding="utf-8")
        valgrind = [
            *("valgrind", "--tool=callgrind", "--separate-threads=yes"),
            *(f"--zero-before={BEGIN.__name__}", f"--dump-before={END.__name__}"),
            "--callgrind-out-file=counted",
        ]
        subprocess.run(
            [*valgrind, sys.executable, os.path.abspath(__file__), "--serve", str(requests)],
            cwd=folder,
            env={
                **os.environ,
                "RECORDED": "yes" if is_recorded else "no",
                "PYTHONHASHSEED": "0",
            },
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        counted = Path(folder, "counted.1-01").read_text()
        return int(re.findall(r"^(?:summary|totals): (\d+)", counted, re.MULTILINE)[0]) / requests


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--requests", type=int, default=200, help="to be counted (200)")
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve)
        return
    for name, source in PROGRAMS.items():
        plain, recorded = (count(source, how, options.requests) for how in (False, True))
        print(
            f"{name}: {plain / 1000:.0f} thousand instructions a request, "
            f"with the middleware {recorded / 1000:.0f}, ratio {recorded / plain:.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
