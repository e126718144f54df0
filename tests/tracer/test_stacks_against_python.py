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


# With the second of these, hardly anything but the notes is recorded: what happens in between
# goes unnoticed.
every_allocation_and_the_large_ones = pytest.mark.parametrize(
    "options", [{}, {"sample_rate": 0, "sample_interval": 1_000}], ids=["exact", "sampled"]
)

# Long enough for frames to count as lasting: then they are not compared any more until they end.
LASTING = """
import time
def busy(n):
    end = time.perf_counter() + 0.025
    while time.perf_counter() < end:
        [str(i) for i in range(200)]
    note()
"""


@every_allocation_and_the_large_ones
def test_a_lasting_frame_that_ended_is_not_taken_for_the_next_one_at_its_address(
    record: Any, options: dict[str, Any]
) -> None:
    """Its frame object may be followed at its address as well: only its free tells."""
    source = """
def level_3(n): busy(n); note()
def level_2(n): level_3(n); note()
def once(n): level_2(n)
def again(n): level_2(n)
def through_a_loop(n):
    for caller in (once, again):
        caller(n)
addresses = set()
def at_once(n):
    addresses.add(id(sys._getframe()))
    note()
    addresses.add(id(sys._getframe(1)))
def lasting_then_short(caller):
    caller(0)
def x(n): at_once(n); busy(n); note()
def y(n): at_once(n); note()
def short_at_another_line(caller):
    caller(1)
    caller(1); caller(1)
for n in range(5):
    lasting_then_short(x)
    short_at_another_line(y)
    for _ in range(4):
        lasting_then_short(y)
    through_a_loop(n)
    [lasting_then_short(z) for z in (x, y, y)]
    list(map(lasting_then_short, (x, y, y)))
    for _ in range(8):
        note()
finish()
"""
    compare(record(PRELUDE + LASTING + source, **options))


@every_allocation_and_the_large_ones
def test_lasting_frames_of_threads_and_generators_are_compared(
    record: Any, options: dict[str, Any]
) -> None:
    source = """
import gc, threading
lock = threading.Lock()
real_note = note
def note():
    with lock:
        real_note()
def steps(n):
    for i in range(n):
        busy(i)
        gc.collect(0)
        note()
        end = time.perf_counter() + 0.005
        while time.perf_counter() < end:
            bytes(100_000)  # by this frame itself
        yield i
def consume_here(g): return next(g)
def consume_at_once(g): return next(g)
def consume_there(g):
    note()
    return next(g)
def thread():
    g = steps(4)
    for consume in (consume_here, consume_there) * 2:
        consume(g)
        [consume_there(steps(1)) for _ in range(2)]
        for _ in range(6):
            note()
    g = steps(6)
    for consume in (consume_here, consume_at_once) * 3:
        consume(g)
threads = [threading.Thread(target=thread) for _ in range(3)]
for t in threads: t.start()
for t in threads: t.join()
thread()
for _ in range(40): note()
finish()
"""
    compare(record(PRELUDE + LASTING + source, **options))


@every_allocation_and_the_large_ones
def test_a_frame_object_that_outlives_its_frame_says_nothing_of_the_next_frame(
    record: Any, options: dict[str, Any]
) -> None:
    source = """
kept = []
def fails(n):
    busy(n)
    kept.append(sys._getframe())
    raise ValueError(n)
def short(n): note()
def one(n):
    try: fails(n)
    except ValueError as error:
        if n % 2: kept.append(error)
    note()
def other(n):
    short(n)
    note()
for n in range(10):
    one(n)
    for _ in range(8): other(n)
    if n % 3 == 0: kept.clear()
    for _ in range(8): other(n); short(n)
finish()
"""
    compare(record(PRELUDE + LASTING + source, **options))


def test_a_frame_that_a_trace_function_sends_to_another_line_is_there(record: Any) -> None:
    """As a debugger does: it has not ended, and is not where it stood."""
    source = """
def jumps():
    a = 1
    a = 2
    a = 3
    a = 4
    a = 5
at = jumps.__code__.co_firstlineno
def sends_on(frame, event, argument):
    if frame.f_code is jumps.__code__ and event == "line" and frame.f_lineno == at + 2:
        end = time.perf_counter() + 0.1
        while time.perf_counter() < end:
            [str(i) for i in range(200)]
            bytes(100_000)
        note()
        frame.f_lineno = at + 4
        for _ in range(3):
            note()
    return sends_on
for _ in range(3):
    sys.settrace(sends_on)
    jumps()
    sys.settrace(None)
for _ in range(250): note()
finish()
"""
    compare(record(PRELUDE + LASTING + source))


def test_no_more_than_one_pending_call_is_asked_for_at_a_time(record: Any) -> None:
    """CPython has room for 32 at least, and the main thread may be in a long call."""
    done = record(
        """
        import collections, ctypes, itertools, threading, time
        add = ctypes.pythonapi.Py_AddPendingCall
        function = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)
        nothing = function(lambda unused: 0)
        add.argtypes = [function, ctypes.c_void_p]
        accepted = []
        def count():
            while len(steps) < 110:
                time.sleep(0.01)
            accepted.append(sum(add(nothing, None) == 0 for _ in range(31)))
        steps = []
        thread = threading.Thread(target=count)
        thread.start()
        def deeper(n):
            if n:
                return deeper(n - 1)
            # In C alone: no pending call is run, but time.sleep lets the other thread in.
            pauses = map(time.sleep, itertools.repeat(0.01, 120))
            blocks = map(bytes, itertools.repeat(100))
            collections.deque(zip(map(steps.append, blocks), pauses), maxlen=0)
        deeper(8)
        thread.join()
        print(accepted)
        """
    )
    assert int(done.lines[0].strip("[]")) >= 30
