"""Blocks of malloc's, in a library of C: a loop, and threads that free each other's."""

from __future__ import annotations

import ctypes
import os
import subprocess
import tempfile
from pathlib import Path

import pyperf

PAIRS = 1_000_000
THREADS = 8
PAIRS_A_THREAD = 50_000


def load_library() -> ctypes.CDLL:
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "malloc.so"
        source = Path(__file__).with_suffix(".c")
        compiler = os.environ.get("CC", "cc")
        command = [compiler, "-O2", "-shared", "-fPIC", "-pthread", "-o", str(library), str(source)]
        subprocess.run(command, check=True)
        loaded = ctypes.CDLL(str(library))
    loaded.malloc_loop.argtypes = [ctypes.c_size_t]
    loaded.malloc_threads.argtypes = [ctypes.c_int, ctypes.c_size_t]
    return loaded


LIBRARY = load_library()


def malloc_loop() -> None:
    LIBRARY.malloc_loop(PAIRS)


def malloc_threads() -> None:
    if LIBRARY.malloc_threads(THREADS, PAIRS_A_THREAD) != 0:
        raise RuntimeError("no thread could be started")


if __name__ == "__main__":
    runner = pyperf.Runner()
    runner.bench_func("malloc_loop", malloc_loop)
    runner.bench_func("malloc_threads", malloc_threads)
