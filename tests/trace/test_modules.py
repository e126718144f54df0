"""Module names are those that the import system would have given."""

from __future__ import annotations

from typing import Any

import pytest

from memlyze.trace.modules import ModuleNames

METADATA: dict[str, Any] = {
    "working_directory": "/work",
    "python_path": ["", "/srv/app", "/usr/lib/python3.11", "/usr/lib/python3.11/site-packages"],
}


@pytest.mark.parametrize(
    ("file", "module"),
    [
        ("/srv/app/main.py", "main"),
        ("/srv/app/pkg/mod.py", "pkg.mod"),
        ("/srv/app/pkg/__init__.py", "pkg"),
        ("/srv/app/pkg/__main__.py", "pkg.__main__"),
        ("/srv/application/other.py", "other"),
        ("/usr/lib/python3.11/json/decoder.py", "json.decoder"),
        ("/usr/lib/python3.11/site-packages/numpy/core/a.py", "numpy.core.a"),
        ("/usr/lib/python3.11/lib-dynload/_x.cpython-311-x86_64-linux-gnu.so", "lib-dynload._x"),
        ("/srv/app/deploy/../pkg/./mod.py", "pkg.mod"),
        ("../srv/app/pkg/mod.py", "pkg.mod"),
        ("/elsewhere/script.py", "script"),
        ("/elsewhere/package/__init__.py", "package"),
        ("/__init__.py", "__init__"),
        ("/work/here/m.py", "here.m"),
        ("relative/m.py", "relative.m"),
        ("<frozen importlib._bootstrap>", "importlib._bootstrap"),
        ("<string>", "<string>"),
        ("<stdin>", "<stdin>"),
        ("", ""),
        ("/srv/app/.py", ".py"),
        ("/srv/app/", "app"),
        ("/srv/app", "app"),
    ],
)
def test_module_of_a_file(file: str, module: str) -> None:
    assert ModuleNames(METADATA).name(file) == module


def test_windows_paths() -> None:
    names = ModuleNames({"python_path": ["C:\\app"], "working_directory": "D:\\w"})
    assert names.name("C:\\app\\pkg\\mod.py") == "pkg.mod"
    assert names.name("C:\\other\\mod.py") == "mod"


def test_native_library_is_its_file() -> None:
    assert ModuleNames(METADATA).name("/lib/x86_64/libc.so.6", "native") == "libc.so.6"


@pytest.mark.parametrize(
    "metadata",
    [{}, {"python_path": None}, {"python_path": "x"}, {"python_path": [1, None, ""]}],
)
def test_metadata_that_says_nothing_leaves_the_stem(metadata: dict[str, Any]) -> None:
    assert ModuleNames(metadata).name("/srv/app/pkg/mod.py") == "mod"
