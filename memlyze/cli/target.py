"""What `memlyze record` was asked to run, and whether it can be recorded.

The program is started by the arguments that the user gave, unchanged; all that is found out here is
which file to execute.
"""

from __future__ import annotations

import glob
import os
import re
import shutil
import sys
import typing

from memlyze.cli.errors import UsageError
from memlyze.cli.working_directory import working_directory

_PYTHON = re.compile(r"^python(\d+(\.\d+)?t?)?(\.exe)?$")
_PYTHON_SOURCE = (".py", ".pyw", ".pyz", ".pyc")


class Target(typing.NamedTuple):
    """A program to be started."""

    executable: str
    argv: tuple[str, ...]
    """The whole argument list, with the program's name first."""
    name: str
    """What to call the trace after: `app` for `app.py`, `http.server` for `-m http.server`."""


def find_target(arguments: typing.Sequence[str]) -> Target:
    """The program that `arguments` (those after the options of `memlyze record`) start.

    Raises UsageError when there is none, or when its Python is told to ignore the environment,
    through which recording is started.
    """
    if not arguments:
        raise UsageError("nothing to run; give a program: memlyze record app.py")
    first = arguments[0]
    if not first:
        raise UsageError("the name of the program is empty; give a program: memlyze record app.py")
    if first in ("-m", "-c"):
        if len(arguments) < 2:
            what = "a module name" if first == "-m" else "code"
            raise UsageError(f"{first} needs {what} after it: memlyze record {first} …")
        return _python_target([sys.executable, *arguments], sys.executable)
    is_folder = os.path.isdir(first) and not _is_command(first)
    if is_folder or first.endswith(_PYTHON_SOURCE) or _is_plain_file(first):
        if not os.path.exists(first):
            raise UsageError(f"there is no file {first}; check the path of the program to run")
        if is_folder and not glob.glob(os.path.join(glob.escape(first), "__main__*")):
            raise UsageError(
                f"{first} is a folder without a __main__.py, which Python would run; "
                "give the program in it"
            )
        return _python_target([sys.executable, *arguments], sys.executable)
    executable = shutil.which(first)
    if executable is None and os.path.isfile(first):
        raise UsageError(
            f"{first} is a file, and neither named *.py nor a command on the PATH; give "
            f"`memlyze record python {first}` for a Python program, or ./{first} for one that can "
            "be executed"
        )
    if executable is None:
        raise UsageError(
            f"there is no file and no command {first}; "
            "give a Python file, -m module, -c code or a command on the PATH"
        )
    if _PYTHON.match(os.path.basename(first)):
        return _python_target(arguments, executable)
    _check_shebang(executable)
    name = os.path.basename(first)
    return Target(executable, tuple(arguments), name[:-3] if name.endswith(".py") else name)


def _is_command(name: str) -> bool:
    """Whether a bare name is a command, as in a shell, whatever there is in the working directory:
    in a checkout of `black` lies a folder of that name.
    """
    return os.path.basename(name) == name and shutil.which(name) is not None


def _is_plain_file(path: str) -> bool:
    return os.sep in path and os.path.isfile(path) and not os.access(path, os.X_OK)


def _python_target(argv: typing.Sequence[str], executable: str) -> Target:
    rest = _check_flags(argv[1:], os.path.basename(argv[0]))
    if not rest:
        name = "python"
    elif rest[0] in ("-m", "-c"):
        name = rest[1] if rest[0] == "-m" and len(rest) > 1 else "code"
    elif rest[0] == "-":
        name = "stdin"
    else:
        # Of `.` and `..` the name is that of the folder.
        path = rest[0] if working_directory() is None else os.path.abspath(rest[0])
        name = os.path.splitext(os.path.basename(path))[0]
    return Target(executable, tuple(argv), name)


def _check_flags(arguments: typing.Sequence[str], python: str) -> list[str]:
    """What follows the interpreter's own options: a script, `-m …`, `-c …`, `-`, or nothing.

    Raises UsageError at a flag under which Python ignores the environment or does not import
    `site`.
    """
    remaining = list(arguments)
    while remaining and remaining[0].startswith("-") and remaining[0] != "-":
        option = remaining.pop(0)
        if option == "--":
            break
        if option.startswith("--"):
            if option == "--check-hash-based-pycs" and remaining:
                remaining.pop(0)
            continue
        for position, letter in enumerate(option[1:], start=1):
            if letter in "IES":
                raise UsageError(
                    f"{python} -{letter} cannot be recorded: under -{letter} Python ignores what "
                    "starts the recording; leave it out, or call memlyze.start() in the program"
                )
            if letter in "mc":
                attached = option[position + 1 :]
                return ["-" + letter, *([attached] if attached else []), *remaining]
            if letter in "XW":
                if position == len(option) - 1 and remaining:
                    remaining.pop(0)
                break
    return remaining


def _check_shebang(path: str) -> None:
    """Raises UsageError when the script at `path` names a Python with a flag as above."""
    try:
        with open(path, "rb") as file:
            line = file.readline(256)
    except OSError:
        return
    if not line.startswith(b"#!"):
        return
    words = os.fsdecode(line[2:]).split()
    while words and not _PYTHON.match(os.path.basename(words[0])):
        words.pop(0)
    if words:
        _check_flags(words[1:], f"{path} ({os.path.basename(words[0])})")
