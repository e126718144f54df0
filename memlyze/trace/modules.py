"""Module names, derived from file names as the import system would have found them."""

from __future__ import annotations

import posixpath
import re
from typing import Any, Mapping

from memlyze.trace.metadata import strings_of

_DRIVE = re.compile(r"^[A-Za-z]:/")
_FROZEN = re.compile(r"^<frozen (.+)>$")


class ModuleNames:
    """Names modules by the longest entry of `python_path` that their file lies under."""

    def __init__(self, metadata: Mapping[str, Any]) -> None:
        """Take `python_path` and `working_directory` from a trace's metadata."""
        directory = metadata.get("working_directory")
        self._directory = _slashes(directory) if isinstance(directory, str) else ""
        entries = metadata.get("python_path")
        absolute = {self._absolute(_slashes(text)) for text in strings_of(entries)}
        self._entries = sorted(filter(None, absolute), key=len, reverse=True)

    def name(self, file: str, language: str = "python") -> str:
        """The module that `file` is.

        `pkg/mod.py` under an entry is `pkg.mod`, `pkg/__init__.py` is `pkg`; under no entry the
        file's stem counts. Frozen modules are named in their file, and other texts in angle
        brackets (`<string>`) are shown as they are, as there is no module to name.
        """
        frozen = _FROZEN.match(file)
        if frozen:
            return frozen.group(1)
        if not file or file.startswith("<"):
            return file
        path = self._absolute(_slashes(file))
        if language == "native":
            return path.rsplit("/", 1)[-1]
        for entry in self._entries:
            if path.startswith(entry + "/"):
                return _dotted(path[len(entry) + 1 :]) or _dotted(path.rsplit("/", 1)[-1])
        tail = path.rsplit("/", 2)
        return _dotted("/".join(tail[-2:]) if _stem(path) == "__init__" else tail[-1])

    def _absolute(self, path: str) -> str:
        if not path.startswith("/") and not _DRIVE.match(path) and self._directory:
            path = f"{self._directory.rstrip('/')}/{path}"
        if "/." in path:  # as of `python ../app.py`, for which the interpreter leaves it in
            path = posixpath.normpath(path)
        return path.rstrip("/")


def _slashes(path: str) -> str:
    return path.replace("\\", "/")


def _stem(path: str) -> str:
    """A file's name without its suffixes: `mod` of `mod.py` and of `mod.cpython-311-x86.so`."""
    name = path.rsplit("/", 1)[-1]
    return name.split(".", 1)[0] or name


def _dotted(path: str) -> str:
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if not parts:
        return ""
    parts[-1] = _stem(parts[-1])
    if parts[-1] == "__init__" and len(parts) > 1:
        parts.pop()
    return ".".join(parts)
