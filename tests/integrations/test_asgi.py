"""The ASGI middleware: which request is which, whatever it meets, and nothing disturbed by it."""

from __future__ import annotations

import json
from typing import Any

import pytest

# An application without a framework: what it does is in the path.
PLAIN = """
import asyncio, logging, sys
import memlyze
from asgi_calls import call, converse, live
from memlyze.integrations.asgi import MemlyzeMiddleware

kept = []

async def plain(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    scope["memlyze.route"] = "/" + scope["path"].split("/")[1]
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                return
            kept.append(bytes(50_000 + len(message["text"])))
            await send({"type": "websocket.send", "text": message["text"].upper()})
    size = int(scope["path"].rpartition("/")[2])
    kept.append(bytes(size))
    if "raise" in scope["path"]:
        raise LookupError("as asked")
    await send({"type": "http.response.start", "status": 202, "headers": []})
    for piece in range(3):
        await asyncio.sleep(0)
        kept.append(bytes(size + 1 + piece))
        await send({"type": "http.response.body", "body": b"x", "more_body": piece < 2})
    kept.append(bytes(size + 9))
"""


def sizes_of(trace: Any, window: dict[str, Any], low: int, high: int) -> list[int]:
    """Sizes of the `bytes` that were kept in a window, within a range."""
    sizes = [
        row.size - 33
        for row in trace.allocations()
        if row.window_id == window["window_id"] and low <= row.size - 33 < high
    ]
    return sorted(sizes)


def test_request_is_a_window_with_route_method_status_and_times(serve: Any) -> None:
    trace = serve(
        PLAIN
        + """
app = MemlyzeMiddleware(plain, sample_rate=1.0)
async def work():
    print(await call(app, "/made/50000", "PUT"))
print(asyncio.run(live(app, work)))
print(memlyze.active_tracer())
"""
    ).trace
    (window,) = trace.windows.values()
    assert (window["kind"], window["name"]) == ("http", "/made")
    assert (window["method"], window["status"], window["attributes"]) == ("PUT", 202, "")
    assert 0 < window["first_byte_after_ns"] < window["end_ns"] - window["start_ns"]
    # Streamed pieces too, and what is done after the answer.
    assert sizes_of(trace, window, 50_000, 51_000) == [50_000, 50_001, 50_002, 50_003, 50_009]


def test_recording_ends_with_the_application_and_begins_again_with_it(serve: Any) -> None:
    served = serve(
        PLAIN
        + """
app = MemlyzeMiddleware(plain, output_file="here.mlyze", max_trace_bytes=1 << 20)
async def work():
    print(memlyze.active_tracer().output_file.rpartition("/")[2])
open("here-2.earlier.mlyze", "wb").close()          # left over: its trace was moved away
for _ in range(2):
    print(asyncio.run(live(app, work)))
    print(memlyze.active_tracer())
"""
    )
    completes = "['lifespan.startup.complete', 'lifespan.shutdown.complete']"
    assert served.lines == ["here.mlyze", completes, "None", "here-3.mlyze", completes, "None"]
    assert [path.name for path in served.paths if path.stat().st_size] == [
        "here-3.mlyze",
        "here.mlyze",
    ]


def test_last_checkpoint_of_a_program_with_a_test_client_is_that_of_its_end(serve: Any) -> None:
    """No server: nobody handles SIGTERM."""
    trace = serve(
        PLAIN
        + """
memlyze.start("here.mlyze")
async def work(): pass
asyncio.run(live(MemlyzeMiddleware(plain), work))
with memlyze.window("afterwards"): pass
"""
    ).trace
    (taken,) = trace.checkpoints
    (window,) = trace.windows.values()
    assert taken["time_ns"] >= window["end_ns"]


def test_websocket_is_one_window_with_its_close_code(serve: Any) -> None:
    trace = serve(
        PLAIN
        + """
app = MemlyzeMiddleware(plain, sample_rate=1.0)
print(asyncio.run(converse(app, "/chat/7", "a", "bb", code=1001)))
memlyze.stop()
"""
    ).trace
    (window,) = trace.windows.values()
    assert (window["kind"], window["name"], window["status"]) == ("websocket", "/chat", 1001)
    assert window["first_byte_after_ns"] > 0
    assert sizes_of(trace, window, 50_000, 51_000) == [50_001, 50_002]


@pytest.mark.parametrize(
    ("answers", "status", "attributes"),
    [
        (["accept", "close 4001"], 4001, ""),  # before the client closed it
        (["close 4001"], 403, ""),  # never accepted: refused by an answer
        (["http.response.start 451", "http.response.body"], 451, ""),
        (["accept", "raise"], 1011, '{"exception": "LookupError"}'),
        (["raise"], 500, '{"exception": "LookupError"}'),
    ],
)
def test_websocket_has_the_status_that_ended_it(
    serve: Any, answers: list[str], status: int, attributes: str
) -> None:
    served = serve(
        """
import asyncio, sys
import memlyze
from asgi_calls import converse
from memlyze.integrations.asgi import MemlyzeMiddleware

async def plain(scope, receive, send):
    await receive()
    for answer in sys.argv[1:]:
        what, _, number = answer.partition(" ")
        if what == "raise":
            raise LookupError("as asked")
        key = "code" if what == "close" else "status"
        await send({"type": "websocket." + what, **({key: int(number)} if number else {})})
    await receive()  # that the client has closed it as well

app = MemlyzeMiddleware(plain, sample_rate=1.0)
try:
    asyncio.run(converse(app, "/chat", code=1006))
except LookupError as error:
    print(error)
memlyze.stop()
""",
        *answers,
    )
    (window,) = served.trace.windows.values()
    assert (window["status"], window["attributes"]) == (status, attributes)
    assert served.lines == (["as asked"] if "raise" in answers else [])


def test_application_that_returns_without_an_answer_has_the_status_that_servers_give_it(
    serve: Any,
) -> None:
    trace = serve(
        """
import asyncio
import memlyze
from asgi_calls import call, converse
from memlyze.integrations.asgi import MemlyzeMiddleware

async def silent(scope, receive, send):
    if scope["path"] == "/cancelled":
        raise asyncio.CancelledError
    if scope["path"] == "/begun":
        await send({"type": "http.response.start", "status": 202, "headers": []})

app = MemlyzeMiddleware(silent, sample_rate=1.0)

async def run():
    for path in ("/silent", "/begun", "/cancelled"):
        try:
            await call(app, path)
        except asyncio.CancelledError:
            pass
    await converse(app, "/chat")

asyncio.run(run())
memlyze.stop()
"""
    ).trace
    found = [
        (window["kind"], window["status"], json.loads(window["attributes"] or "{}"))
        for window in trace.windows.values()
    ]
    assert found == [
        ("http", 500, {"incomplete": True}),
        ("http", 202, {"incomplete": True}),
        ("http", 0, {"exception": "CancelledError", "incomplete": True}),
        ("websocket", 500, {}),
    ]


def test_exceptions_pass_through_and_are_named(serve: Any) -> None:
    served = serve(
        PLAIN
        + """
app = MemlyzeMiddleware(plain, sample_rate=1.0)
for path, gone in (("/raise/50000", -1), ("/gone/60000", 1)):
    try:
        asyncio.run(call(app, path, pieces_until_gone=gone))
    except (LookupError, OSError) as error:
        print(repr(error))
print(memlyze.windows.present.get())
memlyze.stop()
"""
    )
    assert served.lines == ["LookupError('as asked')", "OSError('the client is gone')", "0"]
    raised, gone = served.trace.windows.values()
    assert (raised["status"], raised["end_ns"] > 0) == (500, True)
    assert json.loads(raised["attributes"]) == {"exception": "LookupError"}  # its 500 is whole
    assert (gone["status"], gone["end_ns"] > 0) == (202, True)
    assert json.loads(gone["attributes"]) == {"exception": "OSError", "incomplete": True}


def test_routes_that_are_left_out_have_no_window(serve: Any) -> None:
    served = serve(
        PLAIN
        + """
app = MemlyzeMiddleware(plain, exclude=["/health/*", "/item/{id}/x"], sample_rate=1.0)
for path in "/health/50000", "/item/3/50001", "/item/3/x", "/healthy/50002":
    try:
        asyncio.run(call(app, path))
    except ValueError:
        print(path)
memlyze.stop()
"""
    )
    assert served.lines == ["/item/3/x"]
    assert [window["name"] for window in served.trace.windows.values()] == ["/item", "/healthy"]


def test_odd_names_and_statuses_disturb_no_request(serve: Any) -> None:
    trace = serve(
        PLAIN
        + """
import http
class Odd:
    def __index__(self):
        raise RuntimeError
statuses = {"/a": http.HTTPStatus.CREATED, "/b": -1, "/c": None, "/d": Odd()}
async def odd(scope, receive, send):
    await send({"type": "http.response.start", "status": statuses[scope["path"]], "headers": []})
    await send({"type": "http.response.body", "body": b""})
app = MemlyzeMiddleware(odd, route_name=lambda scope: scope["raw_path"])
for path in statuses:
    asyncio.run(call(app, path))
memlyze.stop()
"""
    ).trace
    found = [(window["name"], window["status"]) for window in trace.windows.values()]
    assert found == [("b'/a'", 201), ("b'/b'", 0), ("b'/c'", 0), ("b'/d'", 0)]


def test_route_name_may_be_given_and_may_fail(serve: Any) -> None:
    served = serve(
        PLAIN
        + """
class Silent:
    def __str__(self):
        raise RuntimeError
class Unhashable(str):
    __hash__ = None
def name(scope):
    known = {"/a/1": "given", "/b/1": None, "/d/1": Silent(), "/e/1": Unhashable("odd")}
    return known[scope["path"]]
app = MemlyzeMiddleware(plain, route_name=name)
for path in "/a/1", "/b/1", "/c/1", "/d/1", "/e/1":
    print(asyncio.run(call(app, path)).status)
memlyze.stop()
"""
    )
    assert len(set(served.lines)) == 1  # each was answered alike
    names = [window["name"] for window in served.trace.windows.values()]
    assert names == ["given", "/b", "(no name)", "(no name)", "odd"]


def test_names_are_of_one_line_and_bounded(serve: Any) -> None:
    trace = serve(
        PLAIN
        + """
names = iter(["two\\nlines\\x00\\t.", "x" * 10_000, "\\udc80"])
app = MemlyzeMiddleware(plain, route_name=lambda scope: next(names))
for _ in range(3):
    print(asyncio.run(call(app, "/a/1")).status)
memlyze.stop()
"""
    ).trace
    names = [window["name"] for window in trace.windows.values()]
    assert names == ["two lines .", "x" * 299 + "…", "\\udc80"]


def test_odd_methods_disturb_no_request_and_are_bounded(serve: Any) -> None:
    trace = serve(
        PLAIN
        + """
app = MemlyzeMiddleware(plain)
for method in ("GET", b"GET", None, "X" * 10_000, "\\udc80"):
    print(asyncio.run(call(app, "/a/1", method)).status)
memlyze.stop()
"""
    ).trace
    methods = [window["method"] for window in trace.windows.values()]
    assert methods == ["GET", "", "", "X" * 39 + "…", "\\udc80"]


def test_program_that_is_recorded_already_is_left_alone(serve: Any) -> None:
    served = serve(
        PLAIN
        + """
app = MemlyzeMiddleware(plain, output_file="not-made.mlyze", sample_rate=0.5)
async def work():
    await call(app, "/made/50000")
asyncio.run(live(app, work))
print(memlyze.active_tracer().output_file.rpartition("/")[2])
""",
        options={},
    )
    assert served.lines == ["trace.mlyze"]
    assert [window["name"] for window in served.trace.windows.values()] == ["/made"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("sample_rate=7", "sample_rate must be a number from 0.0 to 1.0, not 7"),
        ("sampel_rate=0.1", "there is no option 'sampel_rate'; the options are output_file, "),
        ("exclude='/health'", "exclude must be a list of paths"),
        ("exclude=['health']", "exclude must hold paths that begin with /, not 'health'"),
        ("route_name='x'", "route_name must be a function or None"),
        ("force=True", "there is no option 'force' here"),
        ("output_file='/proc/x.mlyze'", "cannot write the trace /proc/x.mlyze"),
    ],
)
def test_mistakes_are_errors_at_the_start(serve: Any, options: str, message: str) -> None:
    served = serve(
        PLAIN
        + f"""
try:
    MemlyzeMiddleware(plain, {options})
except memlyze.MemlyzeError as error:
    print(error)
async def late():  # as frameworks do that make their middlewares when the server runs
    app = MemlyzeMiddleware(plain, {options})
    print(await call(app, "/a/1"))
    print(await live(app, None))
logging.disable()
asyncio.run(late())
"""
    )
    assert message in served.lines[0]
    assert served.lines[1] == "Answer(status=202, body=b'xxx')"
    assert "lifespan.startup.failed memlyze: " in served.lines[2]
    assert message.replace("'", "\\'") in served.lines[2] or message in served.lines[2]
    assert served.paths == []


def test_second_middleware_around_an_application_is_refused(serve: Any) -> None:
    served = serve(
        PLAIN
        + """
class Other:
    def __init__(self, app): self.app = app
    async def __call__(self, *args): await self.app(*args)
app = MemlyzeMiddleware(plain)
try:
    MemlyzeMiddleware(Other(app))
except memlyze.MemlyzeError as error:
    print(error)
hidden = lambda *args: app(*args)
print(asyncio.run(call(MemlyzeMiddleware(hidden), "/a/1")).status)
try:
    MemlyzeMiddleware(plain, sample_rate=0.25)
except memlyze.MemlyzeError as error:
    print(error)
memlyze.stop()
"""
    )
    assert "is around this application already; put it in once" in served.lines[0]
    assert served.lines[1] == "202"
    assert "with other options" in served.lines[2]
    assert len(served.trace.windows) == 1


def test_application_that_fails_in_its_lifespan_fails_as_without(serve: Any) -> None:
    served = serve(
        PLAIN
        + """
async def fails(scope, receive, send):
    await receive()
    raise RuntimeError("no database")
async def says_so(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "no database"})
for app in fails, says_so:
    try:
        print(asyncio.run(live(MemlyzeMiddleware(app), None)))
    except RuntimeError as error:
        print(repr(error))
"""
    )
    assert served.lines == [
        "RuntimeError('no database')",
        "['lifespan.startup.failed no database']",
    ]


def test_disabled_middleware_does_nothing(serve: Any) -> None:
    served = serve(
        PLAIN
        + """
app = MemlyzeMiddleware(plain, enabled=False)
async def work():
    print((await call(app, "/a/1")).status, memlyze.active_tracer())
asyncio.run(live(app, work))
"""
    )
    assert served.lines == ["202 None"]
    assert served.paths == []
