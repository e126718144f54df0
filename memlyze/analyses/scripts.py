"""Which frames are of the script that was run: two recordings have theirs in common.

Python calls its module `__main__` whatever the file's name is, and so does a comparison of `a.py`
with `b.py`: or all of the one would be gone, and all of the other new.
"""

from __future__ import annotations

import posixpath
import typing

from memlyze.analyses.command_lines import started
from memlyze.query.session import Trace
from memlyze.trace.metadata import strings_of

#: What the module of a script is called where it is compared with another one.
MAIN = "__main__"
#: The file of what is given as text.
_GIVEN_TEXT = "<string>"
_IMPORTABLE = (".py", ".pyc")


class Script(typing.NamedTuple):
    """The script of a recording."""

    module: str
    """What its module would be called if it were imported; empty: there is none that is known."""
    rows: frozenset[int]
    """Which rows of `frames` are its own."""
    is_importable: bool
    """Whether others may import it: not code in the command line, nor a command in `bin/`."""


def scripts_in_common(before: Trace, after: Trace) -> tuple[frozenset[int], frozenset[int]]:
    """Of each recording the rows of `frames` that are of its script, where the scripts have
    different names; none otherwise, as the name is then what they have in common.

    None either where one imports what is the script of the other: that is the same module, and the
    name says so.
    """
    scripts = _script_of(before), _script_of(after)
    nothing: tuple[frozenset[int], frozenset[int]] = (frozenset(), frozenset())
    if not all(script.rows for script in scripts) or scripts[0].module == scripts[1].module:
        return nothing
    for script, other in zip(scripts, (after, before)):
        if script.is_importable and script.module in other.table("frames")["module"].tolist():
            return nothing
    return scripts[0].rows, scripts[1].rows


def _script_of(trace: Trace) -> Script:
    """The script of the first process: those that it starts may run others."""
    frames = trace.table("frames")
    files, modules = frames["file"].tolist(), frames["module"].tolist()
    option, program = started(strings_of(trace.metadata.get("command_line")))
    rows: list[int] = []
    if option == "-c":
        rows = [row for row, file in enumerate(files) if file == _GIVEN_TEXT]
    elif option == "-m":
        # Of a package its `__main__` is run, of which `__init__` is no part.
        for name in (f"{program}.{MAIN}", program):
            rows = rows or [
                row
                for row, module in enumerate(modules)
                if module == name and _stem(files[row]) != "__init__"
            ]
    elif program:
        path = _absolute(trace, program)
        # A folder, or an archive, has its script within.
        paths = {path, f"{path}/{MAIN}.py"}
        rows = [
            row
            for row, file in enumerate(files)
            if file and not file.startswith("<") and _absolute(trace, file) in paths
        ]
    if not rows:
        return Script("", frozenset(), False)
    file = files[rows[0]]
    return Script(modules[rows[0]] or file, frozenset(rows), file.endswith(_IMPORTABLE))


def _absolute(trace: Trace, path: str) -> str:
    directory = trace.metadata.get("working_directory")
    joined = posixpath.join(directory if isinstance(directory, str) else "", path)
    return posixpath.normpath(joined)


def _stem(file: str) -> str:
    return posixpath.basename(file).split(".", 1)[0]
