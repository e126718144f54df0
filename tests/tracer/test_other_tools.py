"""Other tools that wrap the allocators, in every order: all keep working."""

from __future__ import annotations

from typing import Any

import pytest

# What tracemalloc says of a block must be as without a recording.
TRACEMALLOC = """
import sys, tracemalloc
def traced():
    block = bytes(70_001)
    size = [s.size for s in tracemalloc.take_snapshot().traces if s.size == 70_034]
    return len(size), tracemalloc.get_traced_memory()[0] >= 70_034
"""


def test_tracemalloc_started_and_stopped_within(same: Any) -> None:
    done = same(
        TRACEMALLOC
        + """
kept = [bytes(50_001)]
for number in range(3):
    tracemalloc.start(5)
    kept.append(bytes(50_002 + number))
    print(traced())
    tracemalloc.stop()
    kept.append(bytes(60_002 + number))
del kept[0]
"""
    )
    trace = done.trace
    assert trace.one(50_034).freed_ns >= 0
    for number in range(3):
        assert trace.one(50_035 + number) and trace.one(60_035 + number)
    assert len(trace.own(70_034)) == 3
    trace.check_sound()


def test_tracemalloc_started_before(same: Any) -> None:
    done = same(
        TRACEMALLOC
        + """
kept = [bytes(50_001)]
print(traced())
tracemalloc.stop()              # puts back what it had found: not the recorder's hooks
kept.append(bytes(50_002))
print(tracemalloc.is_tracing())
tracemalloc.start()
print(traced())
tracemalloc.stop()
kept.append(bytes(50_003))
del kept[:]
""",
        flags=("-X", "tracemalloc"),
    )
    trace = done.trace
    for size in (50_034, 50_035, 50_036):
        assert trace.one(size).freed_ns >= 0
    trace.check_sound()


def test_tracemalloc_that_outlives_the_recording(run: Any) -> None:
    done = run(
        TRACEMALLOC
        + """
import memlyze
for before in (True, False):
    if before: tracemalloc.start()
    tracer = memlyze.start(sys.argv[1], force=True, sample_rate=1.0)
    if not before: tracemalloc.start()
    kept = bytes(50_001)
    print(traced())
    tracer.stop()
    print(traced())
    tracemalloc.stop()
    print(tracemalloc.is_tracing(), tracemalloc.stop.__module__)
    again = memlyze.start("again.mlyze", force=True, sample_rate=1.0)
    second = bytes(60_001)
    again.stop()
"""
    )
    assert done.lines == ["(1, True)", "(1, True)", "False _tracemalloc"] * 2
    assert done.trace.one(50_034)
    assert done._replace(trace_path=done.trace_path.with_name("again.mlyze")).trace.one(60_034)


def test_tracemalloc_stopped_behind_our_back_is_noticed(record: Any) -> None:
    """With `_tracemalloc.stop` nothing tells; a collection is when the hooks are looked after."""
    trace = record(
        """
        import _tracemalloc, gc
        kept = [bytes(50_001)]
        _tracemalloc.stop()
        gc.collect()
        kept.append(bytes(50_002))
        """,
        flags=("-X", "tracemalloc"),
    ).trace
    assert trace.one(50_034) and trace.one(50_035)
    assert trace.metadata["hooks_lost"] >= 1


# A tool that wraps the allocators of all domains, and puts back what it found.
TOOL = """
import ctypes, gc, sys
lib, api = ctypes.CDLL({native!r}), ctypes.pythonapi
class Allocator(ctypes.Structure):
    _fields_ = [(name, ctypes.c_void_p) for name in "ctx malloc calloc realloc free".split()]
class Tool:
    def __init__(self, number):
        self.base = number * 3
        self.saved = [Allocator() for _ in range(3)]
    def start(self):
        for domain in range(3):
            mine = Allocator()
            api.PyMem_GetAllocator(domain, ctypes.byref(self.saved[domain]))
            lib.tool_wrap(self.base + domain, ctypes.byref(self.saved[domain]), ctypes.byref(mine))
            api.PyMem_SetAllocator(domain, ctypes.byref(mine))
    def stop(self):
        for domain in range(3):
            api.PyMem_SetAllocator(domain, ctypes.byref(self.saved[domain]))
    def calls(self):
        return sum(lib.tool_calls(self.base + domain) for domain in range(3))
"""


@pytest.mark.parametrize(
    ("order", "recorded"),
    [
        ("a.start(); start(); block(1); stop(); block(2); a.stop(); block(3)", {1}),
        ("start(); a.start(); block(1); stop(); block(2); a.stop(); block(3)", {1}),
        ("start(); a.start(); block(1); a.stop(); block(2); stop()", {1, 2}),
        # Out of order: what the second puts back is not what it found last. Until the next
        # collection nothing is seen but what comes from malloc, as malloc's.
        ("a.start(); start(); block(1); a.stop(); block(2); collect(); block(3); stop()", {1, 3}),
        (
            "a.start(); start(); b.start(); block(1); a.stop(); collect(); block(2); b.stop(); "
            "collect(); block(3); stop()",
            {1, 2, 3},
        ),
        (
            "start(); a.start(); b.start(); block(1); a.stop(); block(2); b.stop(); block(3); "
            "stop()",
            {1, 2, 3},
        ),
        # Over several recordings.
        (
            "a.start(); start(); stop(); a.stop(); start(); block(1); stop(); a.start(); start(); "
            "block(2); stop(); a.stop(); start(); block(3); stop()",
            {1, 2, 3},
        ),
        (
            "start(); a.start(); stop(); start(); block(1); a.stop(); stop(); start(); block(2); "
            "stop()",
            {1, 2},
        ),
    ],
)
def test_tools_come_and_go_in_any_order(
    run: Any, native: str, order: str, recorded: set[int]
) -> None:
    done = run(
        TOOL.format(native=native)
        + f"""
import memlyze
a, b, kept, paths = Tool(0), Tool(1), [], []
def start():
    paths.append(f"{{len(paths)}}.mlyze")
    memlyze.start(paths[-1], sample_rate=1.0)
stop, collect = memlyze.stop, gc.collect
def block(number):
    kept.append(bytes(50_000 + number))
gc.disable()
for step in {order!r}.split("; "):
    exec(step)
kept.clear()
print([len(bytes(n)) for n in (1, 1000, 100_000)], a.calls() > 0)
"""
    )
    assert done.lines == ["[1, 1000, 100000] True"]
    seen = set()
    for path in done.trace_path.parent.glob("*.mlyze"):
        trace = done._replace(trace_path=path).trace
        trace.check_sound()
        for number in (1, 2, 3):
            found = trace.allocations(50_033 + number)
            assert len(found) <= 1
            seen |= {number for row in found if row.allocator == "object"}
    assert seen == recorded


def test_both_tools_see_each_call_once(run: Any, native: str) -> None:
    done = run(
        TOOL.format(native=native)
        + """
import memlyze
a, b = Tool(0), Tool(1)
api.PyObject_Malloc.restype = ctypes.c_void_p
a.start()
memlyze.start(sys.argv[1], sample_rate=1.0)
b.start()
before = lib.tool_calls(a.base + 2), lib.tool_calls(b.base + 2)
for _ in range(1_000):
    api.PyObject_Malloc(123)
after = lib.tool_calls(a.base + 2), lib.tool_calls(b.base + 2)
print(after[0] - before[0] == after[1] - before[1] >= 1_000)
memlyze.stop()
"""
    )
    assert done.lines == ["True"]
    assert len(done.trace.own(123)) == 1_000


def test_blocks_freed_while_the_hooks_were_away_end_when_their_address_comes_again(
    run: Any, native: str
) -> None:
    done = run(
        TOOL.format(native=native)
        + """
import memlyze
api.PyObject_Malloc.restype = ctypes.c_void_p
api.PyObject_Free.argtypes = [ctypes.c_void_p]
tool = Tool(0)
tool.start()
memlyze.start(sys.argv[1], sample_rate=1.0)
sizes = [111] * 100 + [32, 48, 400] * 50
blocks = [api.PyObject_Malloc(size) for size in sizes]
tool.stop()                                 # and with it the hooks
for block in blocks:
    api.PyObject_Free(block)
gc.collect()
again = [api.PyObject_Malloc(size) for size in sizes * 20]  # enough for pools to come again
print(len(set(again) & set(blocks)), len(set(again) & set(blocks[:100])))
memlyze.stop()
"""
    )
    reused, reused_111 = map(int, done.stdout.split())
    assert reused_111 > 10
    trace = done.trace
    assert trace.metadata["hooks_lost"] == 3
    assert trace.metadata["stale_blocks_closed"] >= reused
    mine = trace.own(111)
    assert len(mine) == 100 + 20 * 100
    assert len([row for row in mine if row.freed_ns >= 0]) >= reused_111
    trace.check_sound()
