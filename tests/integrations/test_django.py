"""The Django application: middleware under WSGI and ASGI, checks, command and panel."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytest.importorskip("django")

SITE = """
import asyncio, os, sys, warnings
warnings.simplefilter("ignore")
import django
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import include, path, re_path
import memlyze

kept = []
MIDDLEWARE = "memlyze.integrations.django.middleware.MemlyzeMiddleware"

def configure(middleware=(MIDDLEWARE,), **more):
    settings.configure(
        DEBUG=False, SECRET_KEY="x", ROOT_URLCONF="__main__", ALLOWED_HOSTS=["*"],
        INSTALLED_APPS=["memlyze.integrations.django"], MIDDLEWARE=list(middleware),
        LOGGING_CONFIG=None, **more)
    django.setup()

def item(request, id):
    kept.append(bytes(50_000 + id))
    return HttpResponse("item")
async def item_async(request, id):
    await asyncio.sleep(0)
    kept.append(bytes(51_000 + id))
    return HttpResponse("item")
def stream(request):
    def pieces():
        for piece in range(3):
            kept.append(bytes(53_000 + piece))
            yield b"x"
    return StreamingHttpResponse(pieces())
def stream_async(request):
    async def pieces():
        for piece in range(3):
            await asyncio.sleep(0)
            kept.append(bytes(54_000 + piece))
            yield b"x"
    return StreamingHttpResponse(pieces())
def raises(request):
    raise LookupError("as asked")
api = [re_path(r"^old/(?P<id>[0-9]+)$", lambda request, id: HttpResponse(id))]
urlpatterns = [
    path("items/<int:id>/", item),
    path("async/<int:id>/", item_async),
    path("stream/", stream),
    path("stream-async/", stream_async),
    path("raises/", raises),
    path("api/", include(api)),
]

def wsgi_call(app, path, method="GET"):
    from wsgiref.util import setup_testing_defaults
    environ = {"PATH_INFO": path, "REQUEST_METHOD": method}
    setup_testing_defaults(environ)
    statuses = []
    body = app(environ, lambda status, headers, exc_info=None: statuses.append(status[:3]))
    try:
        return statuses[0], b"".join(body)
    finally:
        body.close()
"""
PATHS = "/items/1/ /async/2/ /stream/ /raises/ /api/old/7 /nowhere/"


def rows_of(trace: Any) -> list[tuple[str, str, int]]:
    return [(w["method"], w["name"], w["status"]) for w in trace.windows.values()]


def names_of(trace: Any, *sizes: int) -> list[str]:
    return [str(trace.windows[trace.one(size + 33).window_id]["name"]) for size in sizes]


EXPECTED = [
    ("GET", "/items/<int:id>/", 200),
    ("GET", "/async/<int:id>/", 200),
    ("GET", "/stream/", 200),
    ("GET", "/raises/", 500),
    ("GET", "/api/old/(?P<id>[0-9]+)", 200),
    ("GET", "(no route)", 404),
]


def test_requests_under_wsgi(serve: Any) -> None:
    served = serve(
        SITE
        + f"""
configure(MEMLYZE={{"SAMPLE_RATE": 1.0, "EXCLUDE": ["/health/"]}})
from django.core.wsgi import get_wsgi_application
app = get_wsgi_application()
for path in {PATHS!r}.split():
    print(*wsgi_call(app, path))
print(wsgi_call(app, "/health/")[0])
memlyze.stop()
"""
    )
    statuses = [line.split()[0] for line in served.lines]
    assert statuses == ["200", "200", "200", "500", "200", "404", "404"]
    assert served.lines[2] == "200 b'xxx'"
    trace = served.trace
    assert rows_of(trace) == EXPECTED
    assert names_of(trace, 50_001, 51_002, 53_000, 53_002) == [
        "/items/<int:id>/",
        "/async/<int:id>/",
        "/stream/",
        "/stream/",
    ]
    raised = next(w for w in trace.windows.values() if w["name"] == "/raises/")
    assert json.loads(raised["attributes"]) == {"exception": "LookupError"}
    assert all(w["first_byte_after_ns"] >= 0 and w["end_ns"] > 0 for w in trace.windows.values())


def test_requests_under_asgi(serve: Any) -> None:
    served = serve(
        SITE
        + f"""
from asgi_calls import call
configure(MEMLYZE={{"SAMPLE_RATE": 1.0}})
from django.core.asgi import get_asgi_application
app = get_asgi_application()
async def main():
    for path in {PATHS!r}.split() + ["/stream-async/"]:
        print(*await call(app, path))
    try:
        await call(app, "/stream-async/", pieces_until_gone=1)
    except OSError as error:
        print(error)
asyncio.run(main())
memlyze.stop()
"""
    )
    statuses = [line.split()[0] for line in served.lines]
    assert statuses == ["200", "200", "200", "500", "200", "404", "200", "the"]
    assert served.lines[6] == "200 b'xxx'"
    trace = served.trace
    rows = rows_of(trace)
    assert rows[:6] == EXPECTED
    assert rows[6:] == [("GET", "/stream-async/", 200)] * 2
    assert names_of(trace, 50_001, 51_002, 53_000) == [
        "/items/<int:id>/",
        "/async/<int:id>/",
        "/stream/",
    ]
    whole, gone = list(trace.windows.values())[-2:]
    made = [row.window_id for row in trace.allocations(*range(54_033, 54_036))]
    assert made.count(whole["window_id"]) == 3
    assert set(made) == {whole["window_id"], gone["window_id"]}
    assert json.loads(gone["attributes"]) == {"incomplete": True}
    assert whole["attributes"] == ""
    assert gone["end_ns"] > 0


def endings_of(trace: Any) -> list[tuple[str, int, Any]]:
    return [
        (w["name"], w["status"], json.loads(w["attributes"] or "null"))
        for w in trace.windows.values()
    ]


def test_what_is_no_exception_leaves_the_status_unknown(serve: Any) -> None:
    served = serve(
        SITE
        + """
from asgi_calls import call
configure(MEMLYZE={"SAMPLE_RATE": 1.0})
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
async def cancelled(request):
    raise asyncio.CancelledError
def leaves(request):
    raise SystemExit(3)
def stream_leaves(request):
    def pieces():
        yield b"x"
        raise SystemExit(3)
    return StreamingHttpResponse(pieces())
def stream_cancelled(request):
    async def pieces():
        yield b"x"
        raise asyncio.CancelledError
    return StreamingHttpResponse(pieces())
for view in leaves, stream_leaves, cancelled, stream_cancelled:
    urlpatterns.append(path(view.__name__ + "/", view))
wsgi, asgi = get_wsgi_application(), get_asgi_application()
for name in "leaves", "stream_leaves":
    try:
        wsgi_call(wsgi, f"/{name}/")
    except SystemExit as error:
        print(repr(error))
async def main():
    for name in "cancelled", "stream_cancelled":
        try:
            await call(asgi, f"/{name}/")
        except asyncio.CancelledError:
            pass  # Django passes the first one on, and the second one not
asyncio.run(main())
memlyze.stop()
"""
    )
    assert served.lines == ["SystemExit(3)"] * 2
    assert endings_of(served.trace) == [
        ("/leaves/", 0, {"exception": "SystemExit", "incomplete": True}),
        ("/stream_leaves/", 200, {"exception": "SystemExit", "incomplete": True}),
        ("/cancelled/", 0, {"exception": "CancelledError", "incomplete": True}),
        ("/stream_cancelled/", 200, {"exception": "CancelledError", "incomplete": True}),
    ]


def test_server_sends_a_file_by_itself_as_without_the_middleware(serve: Any) -> None:
    served = serve(
        SITE
        + """
from asgi_calls import call
from wsgiref.util import FileWrapper, setup_testing_defaults
from django.http import FileResponse
configure(MEMLYZE={"SAMPLE_RATE": 1.0})
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
opened = []
def file(request):
    opened.append(open(__file__, "rb"))
    return FileResponse(opened[-1])
urlpatterns.append(path("file/", file))
environ = {"PATH_INFO": "/file/", "REQUEST_METHOD": "GET", "wsgi.file_wrapper": FileWrapper}
setup_testing_defaults(environ)
app = get_wsgi_application()
body = app(environ, lambda status, headers, exc_info=None: None)
print(type(body).__name__, b"".join(body) == open(__file__, "rb").read())
body.close()
statuses = wsgi_call(app, "/file/")[0], asyncio.run(call(get_asgi_application(), "/file/"))[0]
print(*statuses, [file.closed for file in opened])
memlyze.stop()
"""
    )
    assert served.lines == ["FileWrapper True", "200 200 [True, True, True]"]
    assert endings_of(served.trace) == [("/file/", 200, None)] * 3


CHECKS = [
    ({"SAMPLE_RATE": 7}, 1, "(memlyze.E001) in the setting MEMLYZE sample_rate must be"),
    ({"SAMPEL_RATE": 0.1}, 1, "(memlyze.E001) in the setting MEMLYZE there is no option"),
    ({"sample_rate": 0.1}, 1, "keys are in capitals: SAMPLE_RATE"),
    ([], 1, "must be a dictionary"),
    ({}, 2, "(memlyze.E002)"),
    ({}, 0, "(memlyze.W001) memlyze records nothing"),
]


@pytest.mark.parametrize(("given", "times", "message"), CHECKS)
def test_system_checks_find_mistakes(serve: Any, given: Any, times: int, message: str) -> None:
    served = serve(
        SITE
        + f"""
configure([MIDDLEWARE] * {times}, MEMLYZE={given!r})
try:
    call_command("check", fail_level="WARNING")
except SystemCheckError as error:
    print(error)
"""
    )
    assert message in served.run.stdout
    assert served.paths == []


def test_middleware_refuses_a_wrong_setting(serve: Any) -> None:
    served = serve(
        SITE
        + """
configure(MEMLYZE={"SAMPLE_RATE": "much"})
from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application
try:
    get_wsgi_application()
except ImproperlyConfigured as error:
    print(error)
"""
    )
    (line,) = served.lines
    assert line.startswith("memlyze: in the setting MEMLYZE sample_rate must be a number")


def test_manage_command_knows_the_traces_of_the_site(serve: Any) -> None:
    served = serve(
        SITE
        + """
configure(MEMLYZE={"SAMPLE_RATE": 1.0})
from django.core.wsgi import get_wsgi_application
wsgi_call(get_wsgi_application(), "/items/1/")
memlyze.stop()
call_command("memlyze", "windows")
from memlyze.integrations.django.management.commands.memlyze import Command
print(Command.words("manage.py", ["record", "--sample-rate", "1.0", "runserver", "--noreload"]))
print(Command.words("manage.py", ["info", "other.mlyze"]), Command.words("manage.py", []))
"""
    )
    assert "GET /items/<int:id>/" in served.run.stdout
    assert served.lines[-2:] == [
        "['record', '--sample-rate', '1.0', 'manage.py', 'runserver', '--noreload']",
        "['info', 'other.mlyze'] []",
    ]


def test_panel_shows_where_the_request_allocated(serve: Any) -> None:
    pytest.importorskip("debug_toolbar")
    served = serve(
        SITE
        + """
settings.configure(
    DEBUG=True, SECRET_KEY="x", ROOT_URLCONF="__main__", ALLOWED_HOSTS=["*"],
    INTERNAL_IPS=["127.0.0.1"], STATIC_URL="/static/",
    INSTALLED_APPS=["django.contrib.staticfiles", "debug_toolbar", "memlyze.integrations.django"],
    MIDDLEWARE=[MIDDLEWARE, "debug_toolbar.middleware.DebugToolbarMiddleware"],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
    DEBUG_TOOLBAR_PANELS=["memlyze.integrations.django.panel.MemlyzePanel"],
    DEBUG_TOOLBAR_CONFIG={"SHOW_TOOLBAR_CALLBACK": lambda request: True},
    MEMLYZE={"SAMPLE_RATE": 1.0})
django.setup()
urlpatterns += [path("__debug__/", include("debug_toolbar.urls"))]
def page(request):
    kept.append(bytes(3_000_000))
    return HttpResponse("<html><body>page</body></html>")
urlpatterns += [path("page/", page)]
from asgi_calls import call
from django.core.asgi import get_asgi_application
answer = asyncio.run(call(get_asgi_application(), "/page/"))
print(b"djDebug" in answer.body, b"window 1" in answer.body)
tracer = memlyze.active_tracer().output_file
memlyze.stop()
from memlyze.integrations.django.panel import figures_of
from django.template.loader import render_to_string
print(render_to_string("memlyze/panel.html", figures_of(tracer, 1)))
for path, window in (tracer, 0), (tracer, 99), ("/nowhere.mlyze", 1):
    print(figures_of(path, window)["why_not"])
"""
    )
    assert served.lines[0] == "True True"
    assert "2.86 MiB" in served.run.stdout
    assert "<code>page</code>" in served.run.stdout
    not_recorded, not_there, no_file = served.lines[-3:]
    assert "was not recorded" in not_recorded
    assert "does not hold this request yet" in not_there
    assert "/nowhere.mlyze" in no_file
