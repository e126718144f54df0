"""Says what to install where a framework is missing."""

from __future__ import annotations

import importlib
from typing import Any


def framework(module: str, extra: str, name: str) -> Any:
    """Import a framework's module.

    Raises ImportError, with what to install, where the framework is not there.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != module.partition(".")[0]:
            raise  # the framework is there, and lacks something of its own
        raise ImportError(
            f"memlyze.integrations.{extra} needs {name}, which is not installed; "
            f"in a clone of memlyze: pip install '.[{extra}]'"
        ) from None
