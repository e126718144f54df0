"""System checks: mistakes in the settings are found before the site is up."""

from __future__ import annotations

from typing import Any

from memlyze.errors import OptionError

from .._frameworks import framework
from ._settings import options_from_settings

checks: Any = framework("django.core.checks", "django", "Django")

MIDDLEWARE = "memlyze.integrations.django.middleware.MemlyzeMiddleware"


def register() -> None:
    """Let Django run the checks."""
    checks.register(check_settings)


def check_settings(**_: Any) -> list[Any]:
    """What is wrong with the settings: E001 an option, E002 twice, W001 missing, W002 not first."""
    settings: Any = framework("django.conf", "django", "Django").settings
    found = []
    try:
        options_from_settings()
    except OptionError as error:
        found.append(checks.Error(str(error), id="memlyze.E001"))
    places = [place for place, name in enumerate(settings.MIDDLEWARE) if name == MIDDLEWARE]
    if len(places) > 1:
        found.append(
            checks.Error(f"{MIDDLEWARE} is in MIDDLEWARE {len(places)} times", id="memlyze.E002")
        )
    elif not places:
        found.append(
            checks.Warning(
                "memlyze records nothing: its middleware is not in MIDDLEWARE",
                hint=f"Put {MIDDLEWARE!r} first in MIDDLEWARE.",
                id="memlyze.W001",
            )
        )
    elif places[0] != 0:
        found.append(
            checks.Warning(
                "memlyze does not see what the middlewares before its own allocate",
                hint=f"Put {MIDDLEWARE!r} first in MIDDLEWARE.",
                id="memlyze.W002",
            )
        )
    return found
