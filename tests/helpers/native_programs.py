"""Programs that allocate without Python: a library of C functions, and how it is recorded."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Callable

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
