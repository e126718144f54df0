"""The blog as a WSGI application, with each request a window of memlyze."""

from __future__ import annotations

import os
from typing import Any

from django.core.wsgi import get_wsgi_application
from django.urls import Resolver404, resolve

from memlyze.integrations.wsgi import MemlyzeMiddleware

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "blog.settings")


def route(environ: dict[str, Any]) -> str | None:
    """The pattern that a request took."""
    try:
        return f"/{resolve(environ['PATH_INFO']).route}"
    except Resolver404:
        return None


application = MemlyzeMiddleware(get_wsgi_application(), route_name=route)
