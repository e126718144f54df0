"""A process whose threads end one after the other: the system ends it with the last of them, which
must not be the recorder's.
"""

from __future__ import annotations

import sys
from typing import Any

import pytest

from memlyze.trace.family import find_family

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="counts the threads as Linux does")

# What the C library has in a buffer is written by the thread that ends last.
BEGIN = """
import ctypes, os, sys, threading
libc = ctypes.CDLL(None)
kept = bytes(50_001)
"""
CHILD = """
def fork():
    child = os.fork()
    if child:
        print(os.waitpid(child, 0)[1], flush=True)
        return
    {end}
thread = threading.Thread(target=fork)
thread.start()
thread.join()
"""


@pytest.mark.parametrize(
    "end",
    ["libc.printf(b'left in a buffer\\n')", "raise RuntimeError", "return", "_ = [bytes(60_001)]"],
)
def test_forked_thread_that_returns_ends_its_process(same: Any, programs: Any, end: str) -> None:
    # From CPython 3.12 on it warns of a fork beside other threads, and names the process.
    done = same(BEGIN + CHILD.format(end=end), flags=("-W", "ignore::DeprecationWarning"))
    assert done.trace.metadata["stop_reason"] == "exit"
    paths = find_family([programs.trace_path]).paths
    assert len(paths) == 2


@pytest.mark.parametrize(
    "end",
    [
        "libc.printf(b'left in a buffer\\n'); libc.pthread_exit(None)",
        "threading.Timer(0.2, libc.printf, (b'left in a buffer\\n',)).start()\n"
        "libc.pthread_exit(None)",
        # Nothing of the thread's own is called then: the helper thread finds itself alone.
        "libc.syscall(60 if os.uname().machine == 'x86_64' else 93, 0)",
    ],
)
def test_process_ends_with_its_last_thread(same: Any, end: str) -> None:
    trace = same(BEGIN + end).trace
    assert trace.is_complete
    trace.check_sound()
    assert trace.metadata["stop_reason"] == "_exit"
    assert trace.one(50_034)
