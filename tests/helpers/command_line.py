"""Runs the `memlyze` command as a user does: in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any, Protocol


class Runner(Protocol):
    """Runs `memlyze` with arguments; takes the keywords of `subprocess.run`."""

    def __call__(self, *arguments: object, **keywords: Any) -> subprocess.CompletedProcess[str]: ...


def clean_environment() -> dict[str, str]:
    """The environment without what would change how memlyze or Python starts."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("MEMLYZE_") and name not in ("PYTHONPATH", "COLUMNS")
    }


def run_python(*arguments: object, **keywords: Any) -> subprocess.CompletedProcess[str]:
    """Run this Python with arguments, and catch what it prints."""
    defaults: dict[str, Any] = {"env": clean_environment(), "timeout": 120}
    if "input" not in keywords:
        defaults["stdin"] = subprocess.DEVNULL
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        capture_output=True,
        text=True,
        **{**defaults, **keywords},
    )
