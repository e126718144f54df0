"""Small applications that say which process answers, and keep some bytes of each request."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator

import pytest
from web_server import WebServer

RECORDED = 'sample_rate=1.0, output_file="traces/memlyze-{pid}.mlyze", exclude=["/up"]'

ASGI = f"""
import asyncio
import os

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from memlyze.integrations.asgi import MemlyzeMiddleware

kept = []

async def item(request):
    number = request.path_params["number"]
    await asyncio.sleep(0)
    kept.append(bytes(100_000 + number))
    return JSONResponse({{"process": os.getpid(), "number": number}})

async def up(request):
    return JSONResponse({{}})

app = Starlette(routes=[Route("/items/{{number:int}}", item), Route("/up", up)])
app.add_middleware(MemlyzeMiddleware, {RECORDED})
"""

WSGI = f"""
import json
import os

from memlyze.integrations.wsgi import MemlyzeMiddleware

kept = []

def answer(environ, start_response):
    path = environ["PATH_INFO"]
    found = {{}}
    if path.startswith("/items/"):
        environ["memlyze.route"] = "/items/{{number}}"
        number = int(path[len("/items/"):])
        kept.append(bytes(100_000 + number))
        found = {{"process": os.getpid(), "number": number}}
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(found).encode()]

app = MemlyzeMiddleware(answer, {RECORDED})
"""

FLASK = f"""
import os

from flask import Flask, jsonify, request

from memlyze.integrations.wsgi import MemlyzeMiddleware

app = Flask(__name__)
kept = []

@app.route("/items/<int:number>")
def item(number):
    request.environ["memlyze.route"] = "/items/{{number}}"
    kept.append(bytes(100_000 + number))
    return jsonify(process=os.getpid(), number=number)

@app.route("/up")
def up():
    return jsonify()

app.wsgi_app = MemlyzeMiddleware(app.wsgi_app, {RECORDED})
"""

DJANGO_MANAGE = """
import os
import sys

from django.core.management import execute_from_command_line

os.environ["DJANGO_SETTINGS_MODULE"] = "django_settings"
execute_from_command_line(sys.argv)
"""

DJANGO_SETTINGS = """
DEBUG = True
SECRET_KEY = "of a test"
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "django_site"
WSGI_APPLICATION = "django_site.application"
"""

DJANGO_SITE = f"""
import os

from django.core.wsgi import get_wsgi_application
from django.http import JsonResponse
from django.urls import path

from memlyze.integrations.wsgi import MemlyzeMiddleware

kept = []

def item(request, number):
    request.environ["memlyze.route"] = "/items/{{number}}"
    kept.append(bytes(100_000 + number))
    return JsonResponse({{"process": os.getpid(), "number": number}})

urlpatterns = [path("items/<int:number>", item), path("up", lambda request: JsonResponse({{}}))]
application = MemlyzeMiddleware(get_wsgi_application(), {RECORDED})
"""

FILES = {
    "asgi_app.py": ASGI,
    "wsgi_app.py": WSGI,
    "flask_app.py": FLASK,
    "manage.py": DJANGO_MANAGE,
    "django_settings.py": DJANGO_SETTINGS,
    "django_site.py": DJANGO_SITE,
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[WebServer]:
    """A server that is not started yet, with applications in its directory."""
    for name, source in FILES.items():
        (tmp_path / name).write_text(source, encoding="utf-8")
    server = WebServer(tmp_path)
    yield server
    server.close()
