"""The WSGI middleware: which request is which, whatever it meets, and nothing disturbed by it."""

from __future__ import annotations

import json
from typing import Any

PLAIN = """
import sys, threading
from wsgiref.util import FileWrapper, setup_testing_defaults
import memlyze
from memlyze.integrations.wsgi import MemlyzeMiddleware

kept = []

class Body:
    def __init__(self, size): self.size, self.piece = size, 0
    def __iter__(self): return self
    def __next__(self):
        if self.piece == 3: raise StopIteration
        self.piece += 1
        if self.size == 100 + self.piece: raise LookupError("as asked")
        kept.append(bytes(self.size + self.piece))
        return b"x"
    def close(self): kept.append(bytes(self.size + 9))

def plain(environ, start_response):
    what, size = environ["PATH_INFO"].strip("/").split("/")
    environ["memlyze.route"] = "/" + what
    kept.append(bytes(int(size)))
    if what == "raise":
        raise LookupError("as asked")
    write = start_response("202 Accepted", [])
    if what == "late":
        raise LookupError("as asked")
    if what == "write":
        write(b"written")
        return []
    if what == "file":
        return environ["wsgi.file_wrapper"](open(__file__, "rb"))
    return [b"whole"] if what == "list" else Body(int(size))

def call(app, path, method="GET", pieces=-1):
    environ = {"PATH_INFO": path, "REQUEST_METHOD": method, "wsgi.file_wrapper": FileWrapper}
    setup_testing_defaults(environ)
    written = []
    def start_response(status, headers, exc_info=None):
        return written.append
    body = app(environ, start_response)
    try:
        for piece in body:
            if len(written) == pieces:
                break
            written.append(piece)
            kept.append(bytes(49_000))  # the server's, not the request's
        return type(body).__name__, b"".join(written)
    finally:
        if hasattr(body, "close"):
            body.close()
"""


def sizes_of(trace: Any, window_id: int) -> list[int]:
    sizes = [row.size - 33 for row in trace.allocations() if row.window_id == window_id]
    return sorted(size for size in sizes if 49_000 <= size < 60_000)


def test_streamed_body_is_in_the_window_while_it_is_made(serve: Any) -> None:
    trace = serve(
        PLAIN
        + """
app = MemlyzeMiddleware(plain, sample_rate=1.0)
print(call(app, "/made/50000", "POST"))
memlyze.stop()
"""
    ).trace
    (window,) = trace.windows.values()
    assert (window["kind"], window["name"]) == ("http", "/made")
    assert (window["method"], window["status"], window["attributes"]) == ("POST", 202, "")
    assert 0 < window["first_byte_after_ns"] < window["end_ns"] - window["start_ns"]
    expected = [50_000, 50_001, 50_002, 50_003, 50_009]
    assert sizes_of(trace, window["window_id"]) == expected
    assert sizes_of(trace, 0) == [49_000] * 3


def test_bodies_that_are_whole_pass_as_they_are(serve: Any) -> None:
    served = serve(
        PLAIN
        + """
app = MemlyzeMiddleware(plain)
for path in "/list/1", "/write/1", "/file/1":
    print(call(app, path)[0])
memlyze.stop()
"""
    )
    assert served.lines == ["list", "list", "FileWrapper"]
    for window in served.trace.windows.values():
        assert (window["status"], window["attributes"]) == (202, "")
        assert 0 < window["first_byte_after_ns"] <= window["end_ns"] - window["start_ns"]


def test_exceptions_pass_through_and_are_named(serve: Any) -> None:
    served = serve(
        PLAIN
        + """
app = MemlyzeMiddleware(plain)
try:
    call(app, "/raise/1")
except LookupError as error:
    print(repr(error))
call(app, "/gone/1", pieces=1)
print(memlyze.windows.present.get())
memlyze.stop()
"""
    )
    assert served.lines == ["LookupError('as asked')", "0"]
    raised, gone = served.trace.windows.values()
    assert raised["status"] == 500
    assert json.loads(raised["attributes"]) == {"exception": "LookupError"}
    assert gone["status"] == 202
    assert json.loads(gone["attributes"]) == {"incomplete": True}
    assert gone["end_ns"] > 0


def test_answer_that_fails_is_what_the_server_makes_of_it(serve: Any) -> None:
    """A head that was begun is not sent before the first piece of the body."""
    trace = serve(
        PLAIN
        + """
app = MemlyzeMiddleware(plain)
for path in "/late/1", "/body/101", "/body/102":  # fails before its first piece, or its second
    try:
        call(app, path)
    except LookupError:
        pass
memlyze.stop()
"""
    ).trace
    late, first, second = trace.windows.values()
    for window in late, first:
        assert window["status"] == 500
        assert json.loads(window["attributes"]) == {"exception": "LookupError"}
    assert second["status"] == 202
    assert json.loads(second["attributes"]) == {"exception": "LookupError", "incomplete": True}


def test_requests_in_threads_have_their_bytes_in_their_windows(serve: Any) -> None:
    trace = serve(
        PLAIN
        + """
app = MemlyzeMiddleware(plain, sample_rate=1.0)
def work(number):
    barrier.wait()
    for turn in range(5):
        call(app, f"/made/{50_000 + 100 * number + 20 * turn}")
barrier = threading.Barrier(8)
threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
memlyze.stop()
"""
    ).trace
    assert len(trace.windows) == 40
    found = sorted(sizes_of(trace, window_id) for window_id in trace.windows)
    firsts = [50_000 + 100 * number + 20 * turn for number in range(8) for turn in range(5)]
    assert found == [[n, n + 1, n + 2, n + 3, n + 9] for n in firsts]


def test_second_middleware_is_refused_or_passes_through(serve: Any) -> None:
    served = serve(
        PLAIN
        + """
app = MemlyzeMiddleware(plain)
try:
    MemlyzeMiddleware(app)
except memlyze.MemlyzeError as error:
    print(error)
print(call(MemlyzeMiddleware(lambda *args: app(*args)), "/list/1"))
try:
    MemlyzeMiddleware(plain, sample_rate=2)
except memlyze.MemlyzeError as error:
    print(error)
memlyze.stop()
"""
    )
    assert "put it in once" in served.lines[0]
    assert served.lines[1] == "('list', b'whole')"
    assert "sample_rate must be" in served.lines[2]
    assert len(served.trace.windows) == 1
