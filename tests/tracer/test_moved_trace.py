"""The trace file is renamed, deleted or out of reach while it is written."""

from __future__ import annotations

import os
from typing import Any

import pytest

START = """
import os, sys, memlyze
tracer = memlyze.start(sys.argv[1], sample_rate=1.0, follow=False)
kept = [bytes(50_001)]
def fork():
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
"""
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may change the root")


def test_deleted_trace_is_told_of(run: Any) -> None:
    done = run(START + "os.unlink(sys.argv[1])")
    assert done.stderr.startswith(f"memlyze: the trace {done.trace_path} was deleted while")
    assert len(done.stderr.splitlines()) == 1
    done = run(
        START
        + """
os.unlink(sys.argv[1])
try:
    tracer.stop()
except memlyze.MemlyzeError as error:
    print(error)
"""
    )
    assert "was deleted while it was written" in done.stdout


def test_renamed_trace_is_whole(run: Any) -> None:
    done = run(START + "os.rename(sys.argv[1], sys.argv[1] + '~')\nfork()\ntracer.stop()")
    assert not done.stderr
    os.rename(f"{done.trace_path}~", done.trace_path)
    assert done.trace.is_complete and done.trace.one(50_034)


@needs_root
def test_trace_is_whole_after_the_root_has_changed(run: Any) -> None:
    """Neither /proc nor the path of the trace is there any more."""
    done = run(
        START
        + """
os.mkdir("jail")
os.chroot("jail")
for number in range(2):
    fork()
    kept.append(bytes(50_002 + number))
tracer.stop()
"""
    )
    assert not done.stderr
    trace = done.trace
    assert trace.is_complete and trace.one(50_034) and trace.one(50_035) and trace.one(50_036)


@needs_root
def test_trace_that_was_closed_out_of_reach_is_told_of(run: Any) -> None:
    done = run(
        START
        + """
os.mkdir("jail")
os.chroot("jail")
fork()
os.closerange(3, 1_000)
kept.append(bytes(50_002))
"""
    )
    assert "memlyze: recording stopped: cannot write" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not done.trace.damage
