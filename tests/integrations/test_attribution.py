"""Two hundred requests at once, each of which allocates in every way that it can: every byte is in
the window of its request.

Each request runs functions of its own, so that a stack says whose an allocation is, however small;
and each way makes one block of a size that no other makes.
"""

from __future__ import annotations

import re
import sys
from typing import Any

import pytest

REQUESTS = 200
BASE = 200_000
STEP = 50  # more than there are ways

#: `work[number](way)` allocates: a block that tells its way, and small objects of every kind. They
#: are not kept, so that any number of requests needs little memory.
WORK = f"""
import memlyze
REQUESTS, BASE, STEP = {REQUESTS}, {BASE}, {STEP}
space = {{}}
exec("\\n".join(
    f'''
def work_{{number}}(way):
    block = bytes({{BASE + number * STEP}} + way)
    small = [block[:100], {{{{"way": str(way) + "text"}}}}, [float(way)] * 90, bytearray(way + 1)]
'''
    for number in range(REQUESTS)), space)
work = [space[f"work_{{number}}"] for number in range(REQUESTS)]
"""

ASGI = (
    WORK
    + """
import asyncio, functools, sys
import anyio, anyio.from_thread, anyio.to_thread
from asgiref.sync import async_to_sync, sync_to_async
from asgi_calls import call
from memlyze.integrations.asgi import MemlyzeMiddleware

later = []

async def plain(scope, receive, send):
    number = int(scope["path"][1:])
    scope["memlyze.route"] = "/work"
    work_of_request = work[number]
    loop = asyncio.get_running_loop()

    async def step(way):
        await asyncio.sleep(0)
        work_of_request(way)
        await asyncio.sleep(0)

    async def nested_tasks(way):
        await asyncio.gather(step(way), asyncio.ensure_future(step(way + 1)))

    async def pieces(way):
        await asyncio.sleep(0)
        work_of_request(way)
        yield
        work_of_request(way + 1)

    async def in_async_function(way):
        work_of_request(way)

    work_of_request(0)
    await step(1)
    task = asyncio.create_task(step(2))
    await asyncio.gather(step(3), step(4))
    await task
    await asyncio.create_task(nested_tasks(5))  # and 6
    if sys.version_info >= (3, 11):
        async with asyncio.TaskGroup() as group:
            group.create_task(step(7))
            group.create_task(step(8))
    async with anyio.create_task_group() as group:
        group.start_soon(step, 9)
    await asyncio.wait_for(step(10), 60)
    await asyncio.shield(step(11))
    async for _ in pieces(12):  # and 13
        await asyncio.sleep(0)
    called = asyncio.Event()
    loop.call_soon(lambda: (work_of_request(14), called.set()))
    await called.wait()
    called = asyncio.Event()
    loop.call_later(0, lambda: (work_of_request(15), called.set()))
    await called.wait()
    if sys.version_info >= (3, 9):
        await asyncio.to_thread(work_of_request, 16)
    await anyio.to_thread.run_sync(work_of_request, 17)
    await anyio.to_thread.run_sync(functools.partial(anyio.from_thread.run, step, 18))
    await anyio.to_thread.run_sync(anyio.from_thread.run_sync, work_of_request, 19)
    await sync_to_async(work_of_request)(20)
    await sync_to_async(work_of_request, thread_sensitive=False)(21)
    await sync_to_async(async_to_sync(in_async_function))(22)
    with memlyze.window("inner"):
        work_of_request(23)
        await asyncio.gather(step(24), step(25))
        with memlyze.window("innermost"):
            await step(26)
        work_of_request(27)
    await in_window(28)(step)  # and 29
    await in_other_threads(work_of_request)  # 30 to 37
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for way in (40, 41, 42):
        await asyncio.sleep(0)
        work_of_request(way)
        await send({"type": "http.response.body", "body": b"x", "more_body": way < 42})
    work_of_request(43)  # a background task
    later.append(asyncio.create_task(after_the_request(step, 44)))

def in_window(way):
    @memlyze.profile(name="inner")
    async def inner(step):
        await step(way)
        await asyncio.create_task(step(way + 1))
    return inner

async def after_the_request(step, way):
    await everybody.wait()
    await step(way)

async def serve_all():
    global everybody
    everybody = asyncio.Event()
    await asyncio.gather(*(call(app, f"/{number}") for number in range(REQUESTS)))
    everybody.set()
    await asyncio.gather(*later)

async def in_other_threads(work_of_request):
    pass
"""
)

#: At the end of what a program does.
RUN_ASGI = """
app = MemlyzeMiddleware(plain, sample_rate=1.0)
asyncio.run(serve_all())
memlyze.stop()
"""

ASGI_WAYS = {
    *range(7),
    *((7, 8) if sys.version_info >= (3, 11) else ()),
    *range(9, 16),
    *((16,) if sys.version_info >= (3, 9) else ()),
    *range(17, 30),
    *range(40, 45),
}
INNER_WAYS = {23, 24, 25, 27, 28, 29}
INNERMOST_WAYS = {26}


def check_attribution(trace: Any, ways: set[int]) -> None:
    """Every allocation of each request is in its window, or in one that it opened within."""
    windows = trace.windows
    parents = {number: row["parent_id"] for number, row in windows.items()}
    window_of_request: dict[int, int] = {}
    ways_seen: dict[int, list[int]] = {number: [] for number in range(REQUESTS)}
    owners: dict[int, int | None] = {0: None}
    rows = 0
    for allocation in trace.allocations():
        stack_id = allocation.stack_id
        if stack_id not in owners:
            owners[stack_id] = _owner(trace.stack(stack_id))
        number = owners[stack_id]
        if number is None:
            continue
        rows += 1
        window_id = allocation.window_id
        assert window_id, f"an allocation of request {number} is in no window"
        opened = [windows[window_id]["name"]]
        while parents[window_id]:
            window_id = parents[window_id]
            opened.append(windows[window_id]["name"])
        assert opened[-1] == "/work"
        assert window_of_request.setdefault(number, window_id) == window_id
        way = allocation.size - 33 - BASE - number * STEP
        if 0 <= way < STEP:
            ways_seen[number].append(way)
            depth = 3 if way in INNERMOST_WAYS else 2 if way in INNER_WAYS else 1
            assert opened == ["innermost", "inner", "/work"][-depth:], f"way {way}"
    assert len(set(window_of_request.values())) == REQUESTS
    for number, seen in ways_seen.items():
        assert sorted(seen) == sorted(ways), f"request {number}"
    assert rows >= 4 * REQUESTS * len(ways)  # the small objects as well


def _owner(stack: list[Any]) -> int | None:
    for frame in stack[:2]:
        found = re.fullmatch(r"work_(\d+)", frame.function)
        if found:
            return int(found[1])
    return None


def test_interleaved_requests_have_every_byte_in_their_windows(serve: Any) -> None:
    pytest.importorskip("anyio")
    check_attribution(serve(ASGI + RUN_ASGI).trace, ASGI_WAYS)


#: What only an option or `memlyze.carry` brings into the window.
IN_OTHER_THREADS = """
import threading
from concurrent.futures import ThreadPoolExecutor, wait

pool = ThreadPoolExecutor(8)
own_pool = ThreadPoolExecutor(2)

async def in_other_threads(work_of_request):
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(None, carried(work_of_request), 30)
    await loop.run_in_executor(pool, carried(work_of_request), 31)
    thread = threading.Thread(target=carried(work_of_request), args=(32,))
    thread.start()
    future = pool.submit(carried(work_of_request), 33)
    await asyncio.sleep(0)
    await asyncio.wrap_future(future)
    await loop.run_in_executor(None, thread.join)
    wait([own_pool.submit(carried(work_of_request), way) for way in (34, 35)])
    list(pool.map(carried(work_of_request), (36, 37)))
"""
OTHER_WAYS = {*range(30, 38)}


@pytest.mark.parametrize("how", ["carry", "carry_into_threads"])
def test_requests_that_use_threads_have_every_byte_in_their_windows(serve: Any, how: str) -> None:
    if how == "carry":
        carried, run = "carried = memlyze.carry\n", RUN_ASGI
    else:
        carried = "carried = lambda work: work\n"
        run = RUN_ASGI.replace("sample_rate=1.0", "sample_rate=1.0, carry_into_threads=True")
    trace = serve(ASGI + IN_OTHER_THREADS + carried + run).trace
    check_attribution(trace, ASGI_WAYS | OTHER_WAYS)


WSGI = (
    WORK
    + """
from memlyze.integrations.wsgi import MemlyzeMiddleware

class Body:
    def __init__(self, work_of_request):
        self.work_of_request = work_of_request
        self.ways = iter((5, 6, 7))
    def __iter__(self):
        return self
    def __next__(self):
        way = next(self.ways)
        switch()
        self.work_of_request(way)
        switch()
        return b"x"
    def close(self):
        self.work_of_request(8)

def plain(environ, start_response):
    work_of_request = work[int(environ["PATH_INFO"][1:])]
    environ["memlyze.route"] = "/work"
    work_of_request(0)
    everybody.wait()
    work_of_request(1)
    with memlyze.window("inner"):
        switch()
        work_of_request(23)
        with memlyze.window("innermost"):
            switch()
            work_of_request(26)
        switch()
        work_of_request(27)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return Body(work_of_request)

app = MemlyzeMiddleware(plain, sample_rate=1.0)

def ask(number):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", f"/{number}")
    assert connection.getresponse().read() == b"xxx"
"""
)
WSGI_WAYS = {0, 1, 5, 6, 7, 8, 23, 26, 27}


def test_requests_in_threads_have_every_byte_in_their_windows(serve: Any) -> None:
    """A thread for each request, all of which are in the application before any goes on."""
    trace = serve(
        WSGI
        + """
import http.client, socketserver, sys, threading, time
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

class Server(socketserver.ThreadingMixIn, WSGIServer):
    request_queue_size = REQUESTS

class Handler(WSGIRequestHandler):
    def log_message(self, *arguments):
        pass

def switch():
    time.sleep(0)

sys.setswitchinterval(1e-5)
everybody = threading.Barrier(REQUESTS)
server = Server(("127.0.0.1", 0), Handler)
server.set_app(app)
port = server.server_port
serving = threading.Thread(target=server.serve_forever)
serving.start()
clients = [threading.Thread(target=ask, args=(number,)) for number in range(REQUESTS)]
for client in clients: client.start()
for client in clients: client.join()
server.shutdown()
serving.join()
server.server_close()
memlyze.stop()
"""
    ).trace
    check_attribution(trace, WSGI_WAYS)


def test_requests_in_greenlets_have_every_byte_in_their_windows(serve: Any) -> None:
    """The same on gevent's server and its pool, in one thread."""
    pytest.importorskip("gevent")
    trace = serve(
        """
import gc
gc.disable()  # of CPython 3.8: see test_greenlets.py
import gevent.monkey
gevent.monkey.patch_all()
gc.enable()
import gevent, gevent.event, gevent.pool, gevent.pywsgi, http.client
"""
        + WSGI
        + """
class Everybody:
    def __init__(self):
        self.missing, self.event = REQUESTS, gevent.event.Event()
    def wait(self):
        self.missing -= 1
        if not self.missing:
            self.event.set()
        self.event.wait()

def switch():
    gevent.sleep(0)

everybody = Everybody()
server = gevent.pywsgi.WSGIServer(
    ("127.0.0.1", 0), app, spawn=gevent.pool.Pool(REQUESTS), log=None, backlog=REQUESTS
)
server.start()
port = server.server_port
gevent.joinall([gevent.spawn(ask, number) for number in range(REQUESTS)], raise_error=True)
server.stop()
memlyze.stop()
""",
        flags=("-W", "ignore"),
    ).trace
    check_attribution(trace, WSGI_WAYS)
