"""How places in the source are shown."""

from __future__ import annotations

import os
import re
import typing

from memlyze.analyses.hotspots import Hotspot
from memlyze.wording.figures import short_figure
from memlyze.wording.names import (
    LINES_OF_SEVERAL_FILES,
    NO_PYTHON,
    SEVERAL_FILES,
    UNKNOWN,
    path_from_here,
    printable,
    short_name,
    shorten_path,
)

# What stands before the folders of packages, and of the standard library.
_BEFORE_LIBRARIES = re.compile(
    r"^.*[/\\](?=(site|dist)-packages[/\\])|^.*[/\\]lib(64)?[/\\](?=python\d+\.\d+t?[/\\])"
)
_WIDEST_FILE = 60
#: A smaller part of what is live need not be told apart.
LEAST_MAPPED_SHARE = 0.05


def plain_path(file: str) -> str:
    """`/srv/worker.py` for `/srv/run/../worker.py`, as Python calls what was started as
    `../worker.py`.
    """
    return os.path.normpath(file) if os.path.isabs(file) else file


def short_file(file: str) -> str:
    """The path from here, or from where packages and the standard library are installed."""
    file = plain_path(file)
    if _BEFORE_LIBRARIES.match(file):
        return shorten_path(_BEFORE_LIBRARIES.sub("", file), _WIDEST_FILE)
    return shorten_path(path_from_here(file) if os.path.isabs(file) else file, _WIDEST_FILE)


def short_place(function: str, file: str, line: int | None) -> str:
    """`app/views.py:31 Login.get`, with as much of it as there is."""
    if not line and file == function == UNKNOWN:
        return NO_PYTHON
    if file == SEVERAL_FILES:
        return LINES_OF_SEVERAL_FILES
    function = short_name(function)
    where = short_file(file) if file else ""
    if line:
        where += f":{line}"
    return printable(" ".join(part for part in (where, function) if part))


def place_of(site: Hotspot) -> str:
    """What a row of hotspots is about."""
    if not site.file:  # a thread, a window, a module
        return short_name(site.name)
    return short_place(site.function, site.file, site.line)


def about_unknown(sites: typing.Iterable[Hotspot]) -> list[str]:
    """What `NO_PYTHON` is, below a table that has it."""
    if not any(site.file == UNKNOWN for site in sites):
        return []
    return [
        f"  {NO_PYTHON}: its thread ran none then, such as threads of libraries, and the "
        "interpreter itself."
    ]


def note_of(site: Hotspot) -> str:
    """What is said beneath a row of hotspots: what of it is only mapped, and where beneath a site
    most was allocated; empty: there is nothing to be said.
    """
    return "; ".join(part for part in (_mapped_part(site), _inner_place(site)) if part)


def _mapped_part(site: Hotspot) -> str:
    mapped = site.held_mapped_bytes
    if mapped.value <= LEAST_MAPPED_SHARE * site.held_bytes.value:
        return ""
    return f"of it {short_figure(mapped)} mapped (mmap)"


def _inner_place(site: Hotspot) -> str:
    """Empty: in itself, or it is not by line."""
    inner = (site.inner_file, site.inner_line, site.inner_function)
    if (
        site.line is None
        or site.inner_file is None
        or inner == (site.file, site.line, site.function)
    ):
        return ""
    return f"mostly in {short_place(site.inner_function or '', site.inner_file, site.inner_line)}"
