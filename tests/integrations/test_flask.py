"""The Flask extension."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("flask")

PRELUDE = """
import memlyze
from flask import Blueprint, Flask, Response, stream_with_context
from memlyze.integrations.flask import Memlyze
kept = []
app = Flask("program")
api = Blueprint("api", "program", url_prefix="/api")
@app.get("/items/<int:id>")
def item(id):
    kept.append(bytes(50_000 + id))
    return {"id": id}
@api.post("/<name>")
def post(name):
    return name
@app.get("/stream")
def stream():
    def pieces():
        for piece in range(3):
            kept.append(bytes(53_000 + piece))
            yield "x"
    return Response(stream_with_context(pieces()))
@app.get("/raises")
def raises():
    raise LookupError
app.register_blueprint(api)
app.logger.disabled = True
"""


def test_windows_are_named_after_the_url_rule(serve: Any) -> None:
    served = serve(
        PRELUDE
        + """
app.config.update(MEMLYZE_SAMPLE_RATE=1.0, MEMLYZE_EXCLUDE=["/health"])
memlyze_extension = Memlyze()
memlyze_extension.init_app(app)
client = app.test_client()
for method, path in [("GET", "/items/1"), ("GET", "/items/2"), ("POST", "/api/x"),
                     ("GET", "/stream"), ("GET", "/raises"), ("GET", "/nowhere"),
                     ("GET", "/health")]:
    answer = client.open(path, method=method)
    print(answer.status_code, len(answer.data) < 10)
    answer.close()
memlyze.stop()
"""
    )
    statuses = [line.split()[0] for line in served.lines]
    assert statuses == ["200", "200", "200", "200", "500", "404", "404"]
    trace = served.trace
    rows = [(w["method"], w["name"], w["status"]) for w in trace.windows.values()]
    assert rows == [
        ("GET", "/items/<int:id>", 200),
        ("GET", "/items/<int:id>", 200),
        ("POST", "/api/<name>", 200),
        ("GET", "/stream", 200),
        ("GET", "/raises", 500),
        ("GET", "(no route)", 404),
    ]
    names = [
        trace.windows[trace.one(size + 33).window_id]["name"]
        for size in (50_001, 50_002, 53_000, 53_001, 53_002)
    ]
    assert names == ["/items/<int:id>"] * 2 + ["/stream"] * 3
    assert all(window["attributes"] == "" for window in trace.windows.values())


def test_wsgi_middleware_finds_the_url_rule_as_well(serve: Any) -> None:
    trace = serve(
        PRELUDE
        + """
from memlyze.integrations.wsgi import MemlyzeMiddleware
app.wsgi_app = MemlyzeMiddleware(app.wsgi_app)
client = app.test_client()
for path in "/items/1", "/stream", "/raises", "/nowhere":
    client.get(path).close()
memlyze.stop()
"""
    ).trace
    names = [window["name"] for window in trace.windows.values()]
    assert names == ["/items/<int:id>", "/stream", "/raises", "(no route)"]


def test_mistakes_are_errors_when_the_application_is_made(serve: Any) -> None:
    served = serve(
        PRELUDE
        + """
def attempt(function):
    try:
        function()
    except memlyze.MemlyzeError as error:
        print(error)
app.config["MEMLYZE_SAMPEL_RATE"] = 1.0
attempt(lambda: Memlyze(app))
del app.config["MEMLYZE_SAMPEL_RATE"]
attempt(lambda: Memlyze(app, sample_rate=3))
Memlyze(app)
attempt(lambda: Memlyze(app))
memlyze.stop()
"""
    )
    assert "there is no configuration key MEMLYZE_SAMPEL_RATE; the keys are" in served.lines[0]
    assert "MEMLYZE_SAMPLE_RATE" in served.lines[0]
    assert "sample_rate must be a number from 0.0 to 1.0, not 3" in served.lines[1]
    assert "put it in once" in served.lines[2]


def test_missing_framework_is_named_with_what_to_install(serve: Any) -> None:
    served = serve(
        """
        import sys
        sys.modules["flask"] = sys.modules["django.conf"] = None
        import memlyze.integrations.asgi, memlyze.integrations.wsgi
        try:
            import memlyze.integrations.flask
        except ImportError as error:
            print(error)
        """
    )
    assert served.lines == [
        "memlyze.integrations.flask needs Flask, which is not installed; "
        "in a clone of memlyze: pip install '.[flask]'"
    ]
