"""The folder in which a command was started, which may have been removed since."""

from __future__ import annotations

import os

#: What to say of it where there is none.
NO_WORKING_DIRECTORY = "the working directory has been removed"


def working_directory() -> str | None:
    """Its path; None: it has been removed, or may not be looked at."""
    try:
        return os.getcwd()
    except OSError:
        return None
