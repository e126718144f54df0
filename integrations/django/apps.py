"""The application, as Django finds it."""

from __future__ import annotations

from typing import Any

from .._frameworks import framework

apps: Any = framework("django.apps", "django", "Django")


class MemlyzeConfig(apps.AppConfig):  # type: ignore[misc]
    """Registers the system checks."""

    name = "memlyze.integrations.django"
    label = "memlyze"
    verbose_name = "memlyze"

    def ready(self) -> None:
        """Called by Django when all applications are there."""
        from . import checks

        checks.register()
