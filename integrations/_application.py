"""Whose code the application is, for traces of one that is installed among the packages it uses.

From its path alone nobody can tell the code of a service that pip installed from that of its
libraries. The modules that answer its requests can: their packages are noted in the trace.
"""

from __future__ import annotations

import json
from typing import Any

from memlyze._speedups import _tracer

_FRAMEWORKS = frozenset(
    ("builtins", "django", "fastapi", "flask", "functools", "litestar", "quart", "starlette")
)
_MOST_PACKAGES = 100
_packages: set[str] = set()


def note_module(name: Any) -> None:
    """The module of this name is the application's, and with it the package that it is in."""
    package = name.partition(".")[0] if isinstance(name, str) else ""
    if not package or package in _FRAMEWORKS or package in _packages:
        return
    if len(_packages) < _MOST_PACKAGES:
        _packages.add(package)
        tell_packages()


def tell_packages() -> None:
    """Put what was noted into the trace, if there is one; also at the start of another one."""
    if _packages and _tracer.is_recording():
        packages = json.dumps(sorted(_packages)).encode("utf-8", "replace")
        _tracer.add_metadata(b"program_packages", packages)
