"""Figures and places as a report writes them."""

from __future__ import annotations

import os
import re
import typing

from memlyze.analyses.estimates import Estimate
from memlyze.analyses.hotspots import Hotspot
from memlyze.wording.figures import figure, figure_cells, share_cell
from memlyze.wording.names import NO_PYTHON, UNKNOWN
from memlyze.wording.places import plain_path
from memlyze.wording.units import format_duration

_PACKAGES = re.compile(r"^.*[/\\](?:site|dist)-packages[/\\]")
_UNNAMED = re.compile(r"<(?!unknown>)\w+>\Z")
_LIBRARY = re.compile(r"^.*[/\\]lib[/\\]python3\.\d+[/\\]")


def bytes_text(estimate: Estimate) -> str:
    """`12.3 MiB ±4 %`, or `~12 MiB (few samples)`."""
    return figure(estimate)


def bytes_parts(estimate: Estimate) -> tuple[str, str]:
    """The value and its error bar, for a table."""
    return figure_cells(estimate, note="few samples")


def time_text(time_ns: float) -> str:
    """`1.2 s`; the start is `0 s`."""
    return format_duration(time_ns) if time_ns > 0 else "0 s"


def place_text(file: str, line: int | None, folder: str) -> str:
    """`app/main.py:20`: a path from the program's folder, of a package, or of the library."""
    if not file or file == UNKNOWN:
        return ""
    file = plain_path(file)
    for pattern in (_PACKAGES, _LIBRARY):
        match = pattern.match(file)
        if match is not None:
            file = file[match.end() :]
            break
    else:
        prefix = folder.rstrip(os.sep) + os.sep
        if folder and file.startswith(prefix):
            file = file[len(prefix) :]
    return f"{file}:{line}" if line else file


def function_text(function: str) -> str:
    """A function's name; allocations without Python code have none."""
    return NO_PYTHON if function == UNKNOWN else function or "(no name)"


def frame_text(function: str, file: str, folder: str) -> str:
    """What a bar of a flame graph is called: its function; where that is `<module>`, `<lambda>` or
    the like, which every file has, with the file: `<module> django/http/response.py`.
    """
    where = place_text(file, None, folder) if _UNNAMED.match(function) else ""
    return f"{function_text(function)} {where}".rstrip()


def inner_place(site: Hotspot, folder: str) -> str:
    """Where beneath a site most of its bytes come from; empty: at the site itself."""
    if site.inner_file is None or (site.inner_file, site.inner_line) == (site.file, site.line):
        return ""
    place = place_text(site.inner_file, site.inner_line, folder)
    return f"{function_text(site.inner_function or '')} {place}".strip()


def percent(share: float) -> str:
    """`12 %`; what is small, with a digit more."""
    return share_cell(share, 1.0)


def nice_step(greatest: float, count: int, bases: typing.Sequence[float], factor: float) -> float:
    """The least step of `bases` times powers of `factor` with at most `count` of them up to
    `greatest`.
    """
    scale = 1.0
    while True:
        for base in bases:
            if greatest / (base * scale) <= count:
                return base * scale
        scale *= factor
