"""Programs that allocate without Python: a library of C functions, and how it is recorded."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Callable, NamedTuple

import pytest
from recorded import Run

import memlyze._speedups

#: What `memlyze record` has the dynamic loader put in front.
SHIM = Path(memlyze._speedups.__file__).parent / "_preload.so"

#: Before the source of a program: the functions of tests/tracer/native_memory.c.
LIBRARY = """
import ctypes, os, sys
library = ctypes.CDLL(os.environ["NATIVE_LIBRARY"], use_errno=True)
size_t, pointer = ctypes.c_size_t, ctypes.c_void_p
for name, result, arguments in (
    ("have", pointer, [size_t]), ("give_back", None, [pointer]),
    ("have_one_of_each", ctypes.c_int, [size_t]),
    ("grow", pointer, [size_t, size_t, ctypes.c_int]),
    ("shrink_to_nothing", None, [size_t]), ("fail", ctypes.c_int, [size_t]),
    ("errors_changed", ctypes.c_int, [size_t, ctypes.c_int]),
    ("error_changed_in_first_free", ctypes.c_int, [size_t]),
    ("exchange_among_threads", ctypes.c_int, [ctypes.c_int, size_t, size_t, size_t]),
    ("have_in_native_thread", pointer, [size_t]), ("copy_text", pointer, [ctypes.c_char_p]),
    ("next_malloc_works", ctypes.c_int, [size_t]),
    ("run_threads_that_free_last", ctypes.c_int, [ctypes.c_int, size_t]),
):
    function = getattr(library, name)
    function.restype, function.argtypes = result, arguments
"""

#: Records a program; LIBRARY stands before its source.
Recorder = Callable[..., Run]


def build(source: Path, result: Path, *flags: str) -> Path:
    """A shared library."""
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if not compiler:
        pytest.skip("no C compiler")
    command = [compiler, "-shared", "-fPIC", "-O1", "-pthread", "-o", result, source, *flags]
    subprocess.run([*command, "-ldl"], check=True)
    return result


class CLibrary(NamedTuple):
    """How programs are linked to a C library, and the shim that is for it."""

    compiler: str
    shim: Path

    def compile(self, source: Path, result: Path, *flags: str) -> Path:
        """A program, or with `-shared` a library."""
        command = [self.compiler, "-O1", "-pthread", "-o", result, source, *flags]
        subprocess.run(command, check=True)
        return result


def of_this_system(_: Path) -> CLibrary:
    """The C library that this Python runs on, and the shim that is installed."""
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if not compiler:
        pytest.skip("no C compiler")
    return CLibrary(compiler, SHIM)


SPEEDUPS = Path(__file__).parents[2] / "memlyze" / "_speedups"


def musl(folder: Path) -> CLibrary:
    """musl: the shim and the recorder beside it are compiled here, into that folder.

    zstd is the system's, as an archive: it asks nothing of a C library that musl does not have.
    """
    compiler = shutil.which("musl-gcc")
    archive = subprocess.run(
        ["cc", "-print-file-name=libzstd.a"], stdout=subprocess.PIPE, text=True
    ).stdout.strip()
    if not compiler or not os.path.isabs(archive):
        pytest.skip("no compiler for musl, or no archive of zstd")
    headers = folder / "headers"  # of the system: those that are not the C library's
    headers.mkdir()
    multiarch = subprocess.run(
        ["cc", "-print-multiarch"], stdout=subprocess.PIPE, text=True
    ).stdout.strip()
    for name in ("linux", "asm-generic", "zstd.h", "zstd_errors.h", f"{multiarch}/asm"):
        (headers / Path(name).name).symlink_to(Path("/usr/include") / name)
    flags = ["-std=c11", "-D_GNU_SOURCE", "-O1", "-Wall", "-Wextra", "-Werror", "-pthread"]
    flags += ["-shared", "-fPIC", "-fvisibility=hidden", f"-I{SPEEDUPS}", f"-I{SPEEDUPS}/core"]
    flags += ["-idirafter", str(headers), "-Wl,-z,now", "-Wl,-z,nodelete", "-Wl,-Bsymbolic"]
    listed = (SPEEDUPS / "meson.build").read_text(encoding="utf-8")
    lists = re.findall(r"(?:shared|recorder)_sources \+?= files\((.*?)\)", listed, re.DOTALL)
    names = re.findall(r"'([^']+)'", "".join(lists))
    sources = [SPEEDUPS / name for name in names if name != "native/no_native_hooks.c"]
    sources.append(SPEEDUPS / "native" / "program_recorder.c")
    shim, recorder = folder / "_preload.so", folder / "_program_recorder.so"
    subprocess.run([compiler, *flags, "-o", recorder, *sources, archive], check=True)
    preload = SPEEDUPS / "native" / "preload.c"
    subprocess.run([compiler, *flags, "-fno-builtin", "-o", shim, preload], check=True)
    return CLibrary(compiler, shim)


#: By name; each is called with a folder to build in.
C_LIBRARIES: dict[str, Callable[[Path], CLibrary]] = {"musl": musl, "system": of_this_system}
