"""A trace that cannot be written any more: the program goes on, and is told once."""

from __future__ import annotations

import functools
from typing import Any

import pytest
import seccomp

START = """
import os, resource, select, socket, sys, memlyze
memlyze.start(sys.argv[1], sample_rate=1.0)
# Files may not become larger; CPython ignores the signal for it.
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
def work_until(is_told):
    for _ in range(20_000):                         # a test that fails is to end
        kept = [bytes(number) for number in range(2_000)]
        if is_told():
            break
def said(read):
    os.set_blocking(read, False)
    told = os.read(read, 10_000).decode()
    print(told.count("memlyze: recording stopped: cannot write"), sys.argv[1] in told)
"""
#: Standard error is replaced after the start: what the program has at present is meant.
FROM_READER = """
os.dup2(write, 2)
work_until(lambda: select.select([read], [], [], 0)[0])
said(read)
"""


@pytest.fixture(params=["", "unshare", "unshare close_range"])
def refused(request: Any) -> dict[str, Any]:
    """For Popen: the helper thread has a table of its own, has one in a container, shares one."""
    calls = request.param.split()
    if calls and not seccomp.IS_POSSIBLE:
        pytest.skip("system calls cannot be refused here")
    return {"preexec_fn": functools.partial(seccomp.refuse, *calls)} if calls else {}


def test_told_while_the_program_runs(run: Any, refused: Any) -> None:
    done = run(START + "read, write = os.pipe()" + FROM_READER, **refused)
    assert done.lines == ["1 True"]
    assert not done.stderr
    assert not done.trace.damage


def test_told_in_one_line_whatever_the_path_has_in_it(run: Any) -> None:
    source = START.replace("start(sys.argv[1]", "start(sys.argv[1] + '\\n\\x1b[2J\\x7f'")
    done = run(
        source
        + """
read, write = os.pipe()
os.dup2(write, 2)
work_until(lambda: select.select([read], [], [], 0)[0])
os.set_blocking(read, False)
told = os.read(read, 10_000).decode()
print(told.count("\\n"), told[-1] == "\\n", sys.argv[1] + "??[2J?: " in told)
"""
    )
    assert done.lines == ["1 True True"]


def test_told_through_a_socket(run: Any) -> None:
    """As those are that services have; no system opens one through /proc."""
    source = "read, write = (end.detach() for end in socket.socketpair())"
    done = run(START + source + FROM_READER)
    assert done.lines == ["1 True"]


def test_told_at_the_stop_where_it_was_not_possible_before(run: Any, refused: Any) -> None:
    done = run(
        START
        + """
read, write = (end.detach() for end in socket.socketpair())
os.dup2(write, 2)
from memlyze._speedups import _tracer
work_until(lambda: not _tracer.is_recording())
try:
    memlyze.stop()
except memlyze.MemlyzeError:
    print("not complete")
said(read)
""",
        **refused,
    )
    assert done.lines == ["not complete", "1 True"]


def test_told_in_a_file_between_what_the_program_writes(run: Any) -> None:
    done = run(
        START
        + """
os.dup2(os.open("stderr.txt", os.O_WRONLY | os.O_CREAT), 2)
os.write(2, b"before\\n")
work_until(lambda: os.fstat(2).st_size > len("before\\n"))
os.write(2, b"after\\n")
"""
    )
    text = (done.trace_path.parent / "stderr.txt").read_text()
    assert text.startswith("before\nmemlyze: recording stopped") and text.endswith("\nafter\n")


def test_nobody_to_tell(run: Any, refused: Any) -> None:
    run(
        START
        + """
os.close(2)
from memlyze._speedups import _tracer
work_until(lambda: not _tracer.is_recording())
""",
        **refused,
    )
