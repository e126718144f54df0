"""Whose code a source file is: the program's own, an installed package's, the standard library's,
or the runtime's.

It decides which line of a stack is shown as the allocation site, so it goes by what paths look like
on every platform rather than by the paths of the Python that reads the trace, which may be another
one.
"""

from __future__ import annotations

import re
import typing

PROGRAM = "program"
LIBRARY = "library"
STANDARD_LIBRARY = "standard library"
RUNTIME = "runtime"

_LIBRARY = re.compile(
    r"[/\\](site-packages|dist-packages)[/\\](?!.*[/\\](site-packages|dist-packages)[/\\])"
    r"(?P<package>\w*)"
)
_STANDARD_LIBRARY = re.compile(
    r"[/\\]lib(64)?[/\\](python|pypy)\d+(\.\d+)?t?[/\\]"  # POSIX, also inside a macOS framework
    r"|[/\\]python\d*[/\\]lib[/\\]"  # Windows
    r"|[/\\]python\d+\.zip[/\\]",
    re.IGNORECASE,
)
# Frames that no person wrote a line of: frozen importlib, the recorder's own marks.
_RUNTIME = re.compile(r"^$|^<frozen |^<(truncated|unknown|memlyze)>$")
_IMPORT_MACHINERY = "<frozen importlib"
#: What Python calls the file of the code behind `-c`, and of code that is made at run time.
GIVEN_TEXT = "<string>"
# How multiprocessing starts its processes, and execnet those of pytest-xdist.
_BOOTSTRAP = re.compile(
    r"\s*from multiprocessing\.\w+ import \w+\s*;"
    r"|\s*import sys;\s*exec\(eval\(sys\.stdin\.readline\(\)\)\)"
)
# Code that a library has made: what is typed, or given to `python -c`, has a name of its own, and
# so has a cell of a notebook that begins with `%%time` or `%%timeit`. Sanic and Mako name what they
# make by a word, as no file of source code is.
_GENERATED = re.compile(
    r"^<(?!(string|stdin|console|input|ipython\b[^>]*|timed (exec|eval)|magic-timeit)>)|^\w+$"
)
# What of memlyze runs in a program, wherever it is installed: `with Tracer`, windows, middlewares.
_MEMLYZE = re.compile(
    r"[/\\]memlyze[/\\]("
    r"tracer|windows|request_windows|checkpoints|family|handover|thread_names|_startup[/\\]\w+|integrations[/\\].+"
    r")\.py$"
)
_MIDDLEWARE = re.compile(r"[/\\]memlyze[/\\]integrations[/\\].+\.py$")
# Where installed commands are started from; what pip puts there has no suffix, or is a .exe that
# Python runs as an archive.
_LAUNCHER = re.compile(
    r"[/\\](bin|Scripts)[/\\]([^/\\]+\.exe[/\\]__main__\.py|[^/\\]+-script\.pyw?|[^/\\]+(?<!\.py))$"
)


def could_be_launcher(file: str) -> bool:
    """Whether `file` stands where launchers of installed commands do, and is named as they are."""
    return bool(_LAUNCHER.search(file))


def is_import_machinery(file: str) -> bool:
    """Whether `file` is that by which Python finds and loads modules."""
    return file.startswith(_IMPORT_MACHINERY)


def is_middleware(file: str) -> bool:
    """Whether `file` is one of memlyze's own that stand between a server and its application."""
    return bool(_MIDDLEWARE.search(file))


def origin_of(
    file: str, language: str = "python", program_packages: typing.Container[str] = ()
) -> str:
    """Whose code `file` is: `program`, `library`, `standard library` or `runtime`.

    `program_packages` are installed packages that are the program all the same.
    """
    if language == "native" or _RUNTIME.search(file) or _MEMLYZE.search(file):
        return RUNTIME
    if _GENERATED.search(file):
        return LIBRARY
    installed = _LIBRARY.search(file)
    if installed:
        return PROGRAM if installed["package"] in program_packages else LIBRARY
    if _STANDARD_LIBRARY.search(file):
        return STANDARD_LIBRARY
    return PROGRAM


def program_packages(metadata: typing.Mapping[str, object]) -> typing.Iterable[str]:
    """The installed packages that are the program, as a trace's metadata name them."""
    told = metadata.get("program_packages")
    return [name for name in told if isinstance(name, str)] if isinstance(told, list) else []


def origin_of_given_text(command_line: object) -> str:
    """Whose code `<string>` is in a process with this command line, a list of words.

    The program's, where it was given as text (`python -c code`); the runtime's, where that text is
    multiprocessing's or execnet's, which start processes so; else a library's, such as what
    `namedtuple` and `dataclass` make.
    """
    if not isinstance(command_line, list) or not command_line:
        return PROGRAM  # nobody knows
    for word, following in zip(command_line, [*command_line[1:], ""]):
        if word == "-c":
            return RUNTIME if _BOOTSTRAP.match(str(following)) else PROGRAM
    return LIBRARY
