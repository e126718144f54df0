"""How a place in the source is written."""

from __future__ import annotations

import os
import re

from memlyze.cli.terminal import printable, shorten_path

_PACKAGES = re.compile(r"^.*[/\\](?=(site|dist)-packages[/\\])")
_WIDTH = 60


def short_place(function: str, file: str, line: int) -> str:
    """`app/main.py:20 load`; a line of 0 is left out."""
    if line == 0 and file == function:  # <unknown>: no Python code was running
        return function
    number = f":{line}" if line else ""
    return printable(f"{short_file(file)}{number} {function}")


def short_file(file: str) -> str:
    """A path from here, or from the folder of installed packages."""
    if _PACKAGES.match(file):
        return shorten_path(_PACKAGES.sub("", file), _WIDTH)
    relative = os.path.relpath(file) if os.path.isabs(file) else file
    shortest = file if relative.startswith("..") else relative
    return shorten_path(shortest, _WIDTH)
