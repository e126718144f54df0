"""Random programs: each captured stack is the one that Python itself tells."""

from __future__ import annotations

import json
import random
import sys
from typing import Any

import pytest

COUNTS_ENTRIES = sys.version_info >= (3, 12)  # from C count as frames

# Each note allocates a block of a size of its own, and keeps what Python says of the stack.
PRELUDE = """
import json, random, sys
expected = {}
def note():
    size = 20_000 + len(expected)
    frame, stack = sys._getframe(), []
    block = bytes(size - 33); line = sys._getframe().f_lineno
    while frame is not None:
        stack.append([frame.f_code.co_name, frame.f_code.co_filename, frame.f_lineno])
        frame = frame.f_back
    stack[0][2] = line
    expected[size] = stack
def finish():
    with open("expected.json", "w") as file:
        json.dump(expected, file)
"""

SOME_SHAPES = [
    "def f{n}(depth): note(); g(depth)",
    "def f{n}(depth):\n    for _ in range(2):\n        note()\n    g(depth)\n    note()",
    "def f{n}(depth): [g(depth - 1) for _ in range(1)]; note()",
    "def f{n}(depth): return sum(x or 0 for x in (g(depth), note()))",
    "def f{n}(depth):\n    def steps():\n        note()\n        yield g(depth)\n        note()\n"
    "    for _ in steps(): note()",
    "def f{n}(depth):\n    def inner():\n        yield from nested()\n    def nested():\n"
    "        note()\n        yield g(depth)\n    list(inner())",
    "def f{n}(depth): sorted([2, 1], key=lambda x: g(depth - x) or note() or x)",
    "def f{n}(depth): list(map(g, [depth - 1, depth - 2])); note()",
    "class C{n}:\n    def __init__(self, depth): note(); g(depth)\ndef f{n}(depth): C{n}(depth)",
    "def f{n}(depth): exec('note(); g(depth)', globals(), locals())",
    "def f{n}(depth): f{n}_deeper(depth, 7)\ndef f{n}_deeper(depth, more):\n"
    "    if more: f{n}_deeper(depth, more - 1); note()\n    else: g(depth)",
    "def f{n}(depth):\n    try:\n        note()\n        raise ValueError\n    except ValueError:\n"
    "        g(depth)\n    finally:\n        note()",
    "def f{n}(depth):\n    cell = depth\n    def inner(): note(); g(cell)\n    inner()",
    "async def a{n}(depth): note(); g(depth); note()\n"
    "def f{n}(depth):\n    c = a{n}(depth)\n    try: c.send(None)\n    except StopIteration: pass",
    "def f{n}(depth): getattr(P(depth), 'x{n}')\nclass P:\n    def __init__(self, d): self.d = d\n"
    "    def __getattr__(self, name): note(); g(self.d)",
]

MAIN = """
chance = random.Random({seed})
def g(depth):
    if depth > 0 and len(expected) < 1_500:
        for _ in range(chance.choice([1, 1, 2])):
            chance.choice(functions)(depth - 1)
for _ in range(30):
    g(chance.randrange(1, 14))
    note()
finish()
"""


def program(seed: int) -> str:
    chance = random.Random(seed)
    shapes = [chance.choice(SOME_SHAPES).format(n=n) for n in range(20)]
    listed = "functions = [" + ", ".join(f"f{n}" for n in range(20)) + "]"
    return PRELUDE + "\n".join(shapes) + "\n" + listed + MAIN.format(seed=seed)


def compare(done: Any, depth_limit: int = 0) -> None:
    expected = json.loads((done.trace_path.parent / "expected.json").read_text())
    trace = done.trace
    assert len(expected) > 200
    trace.check_sound()
    for size, frames in expected.items():
        rows = trace.own(int(size))
        assert len(rows) == 1
        stack = trace.stack(rows[0].stack_id)
        found = [[frame.function.rpartition(".")[2], frame.file, frame.line] for frame in stack]
        if found[-1][0] == "<truncated>":
            assert depth_limit // (4 if COUNTS_ENTRIES else 2) <= len(found) - 1 <= depth_limit
            found.pop()
            frames = frames[: len(found)]
        assert found == frames


@pytest.mark.parametrize("seed", range(4))
def test_stacks_are_those_that_python_tells(record: Any, seed: int) -> None:
    compare(record(program(seed)))


@pytest.mark.parametrize("depth_limit", [5, 16, 40])
def test_innermost_frames_of_deep_stacks_are_those_that_python_tells(
    record: Any, depth_limit: int
) -> None:
    compare(record(program(7), max_stack_depth=depth_limit), depth_limit)


def test_stacks_of_greenlets_are_those_that_python_tells(record: Any) -> None:
    pytest.importorskip("greenlet")
    source = """
def walk(depth):
    note()
    if depth:
        walk(depth - 1)
        main.switch()
        note()
        step(depth)
def step(depth):
    note()
    main.switch()
    [note() for _ in range(1)]
    main.switch()
import greenlet
main = greenlet.getcurrent()
tasks = [greenlet.greenlet(walk) for _ in range(8)]
for number, task in enumerate(tasks):
    task.switch(3 + number)
chance = random.Random(1)
while len(expected) < 1_500 and tasks:
    task = chance.choice(tasks)
    if task.dead:
        tasks.remove(task)
    else:
        task.switch()
        note()
finish()
"""
    compare(record(PRELUDE + source))


def test_stacks_of_threads_that_take_turns_are_those_that_python_tells(record: Any) -> None:
    source = """
import threading
sys.setswitchinterval(1e-5)
lock = threading.Lock()
def walk(depth):
    with lock:
        note()
    if depth:
        walk(depth - 1)
        with lock:
            note()
def work():
    for depth in range(20):
        walk(depth)
threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
finish()
"""
    compare(record(PRELUDE + source))
