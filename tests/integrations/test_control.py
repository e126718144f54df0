"""Starting and stopping on demand: by the control endpoint, the same in all integrations, and by a
signal.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from memlyze.errors import OptionError
from memlyze.integrations._options import IntegrationOptions

TOKEN = "0123456789abcdef-of-a-test"
OPTIONS = {"control_path": "/memlyze", "control_token": TOKEN, "record_at_start": False}

#: What a client asks, over WSGI and over ASGI; prints the status and the answer.
CLIENT = f"""
import asyncio, json, os, signal, sys
import memlyze
OPTIONS = {OPTIONS!r}
CAPITALS = {{name.upper(): value for name, value in OPTIONS.items()}}
TOKEN = OPTIONS["control_token"]
kept = []
def over_wsgi(app, method, path, authorization):
    from wsgiref.util import setup_testing_defaults
    environ = {{"PATH_INFO": path, "REQUEST_METHOD": method}}
    if authorization:
        environ["HTTP_AUTHORIZATION"] = authorization
    setup_testing_defaults(environ)
    statuses = []
    body = app(environ, lambda status, headers, exc_info=None: statuses.append(status))
    try:
        return int(statuses[0][:3]), b"".join(body)
    finally:
        getattr(body, "close", lambda: None)()
def over_asgi(app, method, path, authorization):
    headers = [(b"host", b"testserver")]
    if authorization:
        headers.append((b"authorization", authorization.encode()))
    sent, asked = [], []
    async def receive():
        if not asked:
            asked.append(True)
            return {{"type": "http.request", "body": b"", "more_body": False}}
        await asyncio.sleep(3600)
    async def send(message): sent.append(message)
    scope = {{"type": "http", "method": method, "path": path, "raw_path": path.encode(),
        "query_string": b"", "root_path": "", "scheme": "http", "http_version": "1.1",
        "headers": headers, "server": ("testserver", 80), "client": ("127.0.0.1", 1)}}
    asyncio.run(app(scope, receive, send))
    return sent[0]["status"], b"".join(m.get("body", b"") for m in sent[1:])
def ask(method, path="", authorization="Bearer " + TOKEN):
    status, body = way(app, method, "/memlyze" + path, authorization)
    content = json.loads(body) if body else {{}}
    print(json.dumps([status, content]))
def work(size):
    kept.append(bytes(size))
"""
PLAIN_ASGI = """
from memlyze.integrations.asgi import MemlyzeMiddleware
async def plain(scope, receive, send):
    work(int(scope["path"].rpartition("/")[2]))
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})
app, way = MemlyzeMiddleware(plain, sample_rate=1.0, **OPTIONS), over_asgi
"""
PLAIN_WSGI = """
from memlyze.integrations.wsgi import MemlyzeMiddleware
def plain(environ, start_response):
    work(int(environ["PATH_INFO"].rpartition("/")[2]))
    start_response("200 OK", [])
    return []
app, way = MemlyzeMiddleware(plain, sample_rate=1.0, **OPTIONS), over_wsgi
"""
FLASK = """
from flask import Flask
from memlyze.integrations.flask import Memlyze
app, way = Flask("program"), over_wsgi
app.config.update({"MEMLYZE_" + name: value for name, value in CAPITALS.items()})
app.config["MEMLYZE_SAMPLE_RATE"] = 1.0
@app.get("/work/<int:size>")
def view(size):
    work(size)
    return ""
Memlyze(app)
"""
DJANGO = """
import django
from django.conf import settings
from django.http import HttpResponse
from django.urls import path
def view(request, size):
    work(size)
    return HttpResponse("")
urlpatterns = [path("work/<int:size>", view)]
settings.configure(
    DEBUG=False, SECRET_KEY="x", ROOT_URLCONF="__main__", ALLOWED_HOSTS=["*"], LOGGING_CONFIG=None,
    INSTALLED_APPS=["memlyze.integrations.django"],
    MIDDLEWARE=["memlyze.integrations.django.middleware.MemlyzeMiddleware",
                "django.middleware.csrf.CsrfViewMiddleware"],
    MEMLYZE={**CAPITALS, "SAMPLE_RATE": 1.0})
django.setup()
"""
DJANGO_WSGI = DJANGO + (
    "from django.core.wsgi import get_wsgi_application\n"
    "app, way = get_wsgi_application(), over_wsgi\n"
)
DJANGO_ASGI = DJANGO + (
    "from django.core.asgi import get_asgi_application\n"
    "app, way = get_asgi_application(), over_asgi\n"
)
APPLICATIONS = {
    "asgi": PLAIN_ASGI,
    "wsgi": PLAIN_WSGI,
    "flask": FLASK,
    "django wsgi": DJANGO_WSGI,
    "django asgi": DJANGO_ASGI,
}


@pytest.fixture(params=sorted(APPLICATIONS))
def application(request: Any) -> str:
    """A program with an application, and `ask` for its endpoint."""
    name = str(request.param)
    if name.split()[0] in ("flask", "django"):
        pytest.importorskip(name.split()[0])
    return CLIENT + APPLICATIONS[name]


def answers(served: Any) -> list[tuple[int, dict[str, Any]]]:
    return [tuple(json.loads(line)) for line in served.lines]


def test_recording_is_started_and_stopped_on_demand(serve: Any, application: str) -> None:
    served = serve(
        application
        + """
ask("GET")
ask("POST", "/start")
way(app, "GET", "/work/51000", "")
ask("POST", "/start")
ask("GET")
ask("POST", "/checkpoint")
ask("POST", "/stop")
way(app, "GET", "/work/52000", "")
ask("POST", "/stop")
"""
    )
    found = answers(served)
    assert [status for status, _ in found] == [200] * 7
    did = [content.get("did") for _, content in found]
    assert did[1:] == [
        "started",
        "nothing: it is recording",
        None,
        "took a checkpoint",
        "stopped",
        "nothing: it is not recording",
    ]
    assert [content["recording"] for _, content in found] == [
        *(False, True, True, True, True, False, False)
    ]
    assert found[4][1]["objects"] > 1000
    trace = served.trace
    assert found[5][1]["finished_trace"] == found[1][1]["trace"] == str(served.paths[0])
    assert [c["reason"] for c in trace.checkpoints] == ["checkpoint", "stop"]
    assert trace.one(51_033).window_id
    assert not trace.allocations(52_033)
    # What the endpoint itself does is no request of the application's.
    assert len(trace.windows) == 1


def test_nobody_without_the_token_gets_anything(serve: Any, application: str) -> None:
    served = serve(
        application
        + """
for wrong in ("", "Bearer", "Bearer ", TOKEN, "Basic " + TOKEN, "Bearer " + TOKEN[:-1],
              "Bearer " + TOKEN + "x", "Bearer \\xe9" + TOKEN[1:]):
    ask("POST", "/start", wrong)
    ask("GET", "/nowhere", wrong)
print(json.dumps([memlyze.active_tracer() is None, {}]))
"""
    )
    *found, idle = answers(served)
    assert {status for status, _ in found} == {401}
    assert {tuple(content) for _, content in found} == {("error",)}
    assert TOKEN not in served.run.stdout
    assert idle == (True, {})
    assert not served.paths


def test_wrong_requests_are_told_what_is_right(serve: Any, application: str) -> None:
    served = serve(
        application
        + """
ask("GET", "/start")
ask("POST")
ask("POST", "/begin")
ask("POST", "/checkpoint")
print(json.dumps([way(app, "GET", "/memlyze-not/50000", "")[0], {}]))
memlyze.start("own.mlyze")
ask("POST", "/stop")
ask("POST", "/start")
memlyze.stop()
"""
    )
    found = answers(served)
    statuses = [status for status, _ in found]
    assert statuses[:4] == [405, 405, 404, 409]
    assert statuses[4] in (200, 404)  # the application's own
    assert statuses[5:] == [409, 200]
    assert "by POST, not GET" in found[0][1]["error"]
    assert "POST to /memlyze/start, /memlyze/stop" in found[2][1]["error"]
    assert "by the program" in found[5][1]["error"]
    assert found[6][1]["did"] == "nothing: it is recording"


def test_only_one_at_a_time_starts_or_stops(serve: Any) -> None:
    served = serve(
        CLIENT
        + PLAIN_WSGI.replace("**OPTIONS", "toggle_signal='SIGUSR2', **OPTIONS")
        + """
import threading
from memlyze import checkpoints
from memlyze.integrations import _recording
def in_the_midst_of(owner, name):
    original = getattr(owner, name)
    def function(*arguments):
        for action in "/start", "/stop":
            thread = threading.Thread(target=ask, args=("POST", action))
            thread.start()
            thread.join()
        os.kill(os.getpid(), signal.SIGUSR2)
        return original(*arguments)
    setattr(owner, name, function)
in_the_midst_of(memlyze.Tracer, "_attach")
in_the_midst_of(checkpoints, "take_at_stop")
ask("POST", "/start")
ask("POST", "/stop")
with _recording._one_at_a_time():
    child = os.fork()
    if child == 0:
        ask("POST", "/stop")
        sys.stdout.flush()
        os._exit(0)
    sys.stdout.flush()
    os.waitpid(child, 0)
""",
        flags=("-u",),
    )
    found = answers(served)
    assert [status for status, _ in found] == [409, 409, 200, 409, 409, 200, 200]
    errors = {content["error"] for status, content in found if status == 409}
    assert errors == {
        "the recording is being started or stopped at this moment; ask again when that is done"
    }
    did = [content["did"] for status, content in found if status == 200]
    assert did == ["started", "stopped", "nothing: it is not recording"]
    assert served.run.stderr.count("being started or stopped at this moment") == 2
    assert served.trace.is_complete


@pytest.mark.parametrize(
    ("path", "token", "said"),
    [
        ("/memlyze", "", "needs a control_token of 16 characters"),
        ("/memlyze", "short", "needs a control_token of 16 characters"),
        ("/memlyze", "aaaaaaaaaaaaaaaaaaaaaaaa", "that nobody can guess"),
        ("/memlyze", "with a space in it 0123", "without spaces"),
        ("/memlyze", "0123456789abcdefé", "without spaces"),
        ("/memlyze", None, "control_token must be a text"),
        ("memlyze", TOKEN, "control_path must be a path"),
        ("/", TOKEN, "control_path must be a path"),
        (7, TOKEN, "control_path must be a path"),
        ("", TOKEN, "is of no use without control_path"),
    ],
)
def test_weak_settings_are_refused_at_the_start(path: Any, token: Any, said: str) -> None:
    with pytest.raises(OptionError, match=said) as caught:
        IntegrationOptions(control_path=path, control_token=token)
    assert not token or token not in str(caught.value)


def test_django_finds_a_weak_token_in_its_checks(serve: Any) -> None:
    pytest.importorskip("django")
    served = serve(
        CLIENT
        + DJANGO.replace("{**CAPITALS,", "{**CAPITALS, 'CONTROL_TOKEN': 'weak',")
        + """
from django.core.management import call_command
from django.core.management.base import SystemCheckError
try:
    call_command("check")
except SystemCheckError as error:
    print(str(error).replace("\\n", " "))
"""
    )
    assert "memlyze.E001" in served.run.stdout
    assert "control_token of 16 characters" in served.run.stdout


def test_signal_starts_and_stops(serve: Any) -> None:
    served = serve(
        CLIENT
        + """
from memlyze.integrations.wsgi import MemlyzeMiddleware
before = []
signal.signal(signal.SIGUSR2, lambda number, frame: before.append(number))
def plain(environ, start_response):
    work(int(environ["PATH_INFO"][1:]))
    start_response("200 OK", [])
    return []
app = MemlyzeMiddleware(plain, toggle_signal="SIGUSR2", record_at_start=False, sample_rate=1.0)
for size in (51_000, 52_000, 53_000, 54_000):
    over_wsgi(app, "GET", f"/{size}", "")
    os.kill(os.getpid(), signal.SIGUSR2)
print(len(before), memlyze.active_tracer())
"""
    )
    assert served.lines == ["4 None"]
    assert len(served.paths) == 2
    sizes = {
        row.size - 33
        for path in served.paths
        for row in served.read(path).own()
        if 51_000 <= row.size - 33 < 55_000
    }
    assert sizes == {52_000, 54_000}


def test_signal_leaves_a_recording_of_the_programs_alone(serve: Any) -> None:
    served = serve(
        CLIENT
        + """
from memlyze.integrations.wsgi import MemlyzeMiddleware
memlyze.start("own.mlyze")
app = MemlyzeMiddleware(print, toggle_signal="SIGUSR2")
os.kill(os.getpid(), signal.SIGUSR2)
print(memlyze.active_tracer() is not None)
"""
    )
    assert served.lines == ["True"]
    assert "not the application's" in served.run.stderr


def test_signal_outside_of_the_main_thread_is_refused_with_the_reason(serve: Any) -> None:
    served = serve(
        CLIENT
        + """
import threading
from memlyze.integrations.wsgi import MemlyzeMiddleware
def make():
    try:
        MemlyzeMiddleware(print, toggle_signal="SIGUSR2")
    except memlyze.MemlyzeError as error:
        print(error)
thread = threading.Thread(target=make)
thread.start()
thread.join()
"""
    )
    assert "toggle_signal can only be used" in served.lines[0]


@pytest.mark.parametrize("wrong", ["SIGKILL", "SIGNONE", 12, None])
def test_wrong_signal_is_refused(wrong: Any) -> None:
    with pytest.raises(OptionError, match="toggle_signal must be the name of a signal"):
        IntegrationOptions(toggle_signal=wrong)


def test_signal_of_a_fault_is_refused() -> None:
    with pytest.raises(OptionError, match="toggle_signal must not be 'SIGSEGV'"):
        IntegrationOptions(toggle_signal="SIGSEGV")


def test_one_signal_for_two_things_is_refused() -> None:
    with pytest.raises(OptionError, match="must be different signals"):
        IntegrationOptions(toggle_signal="SIGUSR2", checkpoint_signal="SIGUSR2")
