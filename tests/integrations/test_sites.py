"""Where requests allocate: a line of the application, also of one that pip has installed."""

from __future__ import annotations

from typing import Any

import pytest

from memlyze.query.session import open_trace

# A service and a library of its, both where pip puts packages; a script starts them.
PACKAGES = """
import asyncio, os, sys
from asgi_calls import call
place = os.path.join(os.getcwd(), "lib", "python3", "site-packages")
files = {
    "library.py": "def fill(kept):\\n    kept.append(bytes(2_000_000))\\n",
    "shop/__init__.py": "",
    "shop/views.py": VIEWS,
}
for name, source in files.items():
    path = os.path.join(place, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(source)
sys.path.insert(0, place)
"""
VIEWS = {
    "starlette": """
import library
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from memlyze.integrations.asgi import MemlyzeMiddleware
kept = []
async def item(request):
    library.fill(kept)
    return PlainTextResponse("item")
app = Starlette(routes=[Route("/items/{id}", item)])
app.add_middleware(MemlyzeMiddleware, sample_rate=1.0)
""",
    "litestar": """
import library
from litestar import Litestar, get
from memlyze.integrations.asgi import MemlyzeMiddleware
kept = []
@get("/items/{id:int}", sync_to_thread=False)
def item(id: int) -> str:
    library.fill(kept)
    return "item"
app = MemlyzeMiddleware(Litestar([item]), sample_rate=1.0)
""",
    "quart": """
import library
from quart import Quart
from memlyze.integrations.asgi import MemlyzeMiddleware
kept = []
app = Quart(__name__)
@app.route("/items/<id>")
async def item(id):
    library.fill(kept)
    return "item"
app.asgi_app = MemlyzeMiddleware(app.asgi_app, sample_rate=1.0)
""",
    "flask": """
import library
from flask import Flask
from memlyze.integrations.flask import Memlyze
kept = []
app = Flask(__name__)
@app.get("/items/<id>")
def item(id):
    library.fill(kept)
    return "item"
Memlyze(app, sample_rate=1.0)
""",
    "django": """
import django
import library
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path
settings.configure(
    SECRET_KEY="x", ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], MEMLYZE={"SAMPLE_RATE": 1.0},
    INSTALLED_APPS=[], MIDDLEWARE=["memlyze.integrations.django.middleware.MemlyzeMiddleware"])
kept = []
def item(request, id):
    library.fill(kept)
    return HttpResponse("item")
urlpatterns = [path("items/<int:id>", item)]
app = get_wsgi_application()
""",
}
ASK = """
import shop.views
app = shop.views.app
if NAME in ("flask", "django"):
    from wsgiref.util import setup_testing_defaults
    environ = {"PATH_INFO": "/items/1", "REQUEST_METHOD": "GET"}
    setup_testing_defaults(environ)
    body = app(environ, lambda status, headers, exc_info=None: print(status))
    list(body)
    getattr(body, "close", print)()
else:
    print(asyncio.run(call(app, "/items/1")).status)
import memlyze
memlyze.stop()
"""


@pytest.mark.parametrize("name", VIEWS)
def test_site_of_an_installed_application_is_its_own_line(serve: Any, name: str) -> None:
    pytest.importorskip(name)
    served = serve(f"NAME = {name!r}\nVIEWS = {VIEWS[name]!r}\n{PACKAGES}{ASK}")
    assert served.lines[0].startswith("200")
    (path,) = served.paths
    with open_trace([str(path)]) as trace:
        sites = trace.sql(
            "SELECT function, file, origin FROM hotspots() WHERE live_bytes >= 2_000_000"
        ).fetchall()
        ((packages,),) = trace.sql(
            "SELECT value FROM metadata WHERE key = 'program_packages'"
        ).fetchall()
    assert [(function, file[-len("shop/views.py") :]) for function, file, _ in sites] == [
        ("item", "shop/views.py")
    ]
    assert sites[0][2] == "program"
    assert '"shop"' in packages
    assert '"library"' not in packages
