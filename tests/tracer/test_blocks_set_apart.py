"""Where few blocks are recorded, pymalloc hands the recorded ones on to the raw domain, whose hook
sees them freed; no other free comes through a hook.
"""

from __future__ import annotations

from typing import Any

import pytest

API = """
import ctypes, gc, sys, memlyze
api = ctypes.pythonapi
for name in ("Malloc", "Calloc", "Realloc"):
    getattr(api, "PyObject_" + name).restype = ctypes.c_void_p
api.PyObject_Realloc.argtypes = ctypes.c_void_p, ctypes.c_size_t
api.PyObject_Calloc.argtypes = ctypes.c_size_t, ctypes.c_size_t
api.PyObject_Malloc.argtypes = ctypes.c_size_t,
api.PyObject_Free.argtypes = ctypes.c_void_p,
class Allocator(ctypes.Structure):
    _fields_ = [(name, ctypes.c_void_p) for name in ("ctx", "malloc", "calloc", "realloc", "free")]
def allocator(domain=2):
    found = Allocator()
    api.PyMem_GetAllocator(domain, ctypes.byref(found))
    return found
"""


@pytest.mark.parametrize("malloc", ["pymalloc", "pymalloc_debug", "malloc", "malloc_debug"])
@pytest.mark.parametrize("sampling", ["sample_interval=512", "sample_rate=0.02", "sample_rate=0.3"])
def test_blocks_keep_what_is_in_them_and_all_are_seen_freed(
    run: Any, malloc: str, sampling: str
) -> None:
    """They grow and shrink over pymalloc's limit, in every order."""
    done = run(
        API
        + f"""
memlyze.start(sys.argv[1], {sampling}, seed=7)
wrong = 0
def fill(block, size, byte):
    ctypes.memset(block, byte, size)
def holds(block, size, byte):
    return ctypes.string_at(block, size) == bytes([byte]) * size
def turn(number):
    global wrong
    byte = number % 255 + 1
    sizes = [777 - 13 * (number * step % 58) for step in (1, 7, 11, 31)]
    if number % 2:
        block = api.PyObject_Malloc(sizes[0])
    else:
        block = api.PyObject_Calloc(1, sizes[0])
        wrong += not holds(block, sizes[0], 0)
    size = sizes[0]
    for next_size in sizes[1:]:
        fill(block, size, byte)
        block = api.PyObject_Realloc(block, next_size)
        size, kept = next_size, min(size, next_size)
        wrong += not holds(block, kept, byte)
    return block
for _ in range(20):
    for block in [turn(number) for number in range(300)]:
        api.PyObject_Free(block)
memlyze.stop()
print(wrong)
""",
        env={"PYTHONMALLOC": malloc},
    )
    assert done.lines == ["0"]
    trace = done.trace
    mine = trace.own(*range(101, 778, 26))  # odd, unlike frames that an interpreter keeps
    assert len(mine) > 200
    assert all(row.freed_ns >= 0 for row in mine)
    assert any(row.size <= 512 for row in mine) and any(row.size > 512 for row in mine)
    trace.check_sound()


def test_frees_of_other_blocks_are_not_held_up(run: Any) -> None:
    """The allocator's own function frees them; exact recordings have to see each."""
    done = run(
        API
        + """
before = allocator()
for options in ({}, {"sample_rate": 0.01}, {"sample_rate": 1.0}):
    memlyze.start(sys.argv[1], force=True, **options)
    print(allocator().free == before.free, allocator().malloc == before.malloc)
    memlyze.stop()
""",
        env={"PYTHONMALLOC": "pymalloc"},
    )
    assert done.lines == ["True False", "True False", "False False"]


def test_the_interpreter_counts_its_blocks_as_ever(run: Any) -> None:
    done = run(
        API
        + """
memlyze.start(sys.argv[1], sample_interval=64)
count = sys.getallocatedblocks
blocks = [0] * 10_000
gc.collect()
before = count()
for number in range(10_000):
    blocks[number] = api.PyObject_Malloc(40)
middle = count()
for block in blocks:
    api.PyObject_Free(block)
after = count()
print(10_000 <= middle - before < 20_100, abs(after - middle + 10_000) < 100)
memlyze.stop()
"""
    )
    assert done.lines == ["True True"]


@pytest.mark.parametrize("first", ["sample_rate=0.01", "sample_rate=1.0"])
def test_a_tool_that_remembers_how_few_were_recorded(run: Any, first: str) -> None:
    """It goes on to free past the hooks, which an exact recording cannot do with."""
    done = run(
        API
        + f"""
import tracemalloc
memlyze.start("first.mlyze", {first})
tracemalloc.start()
memlyze.stop()
memlyze.start(sys.argv[1], sample_rate=1.0)
for number in range(1_000):
    api.PyObject_Free(api.PyObject_Malloc(123))
memlyze.stop()
tracemalloc.stop()
"""
    )
    mine = done.trace.own(123)
    assert len(mine) == 1_000
    assert all(row.freed_ns >= 0 for row in mine)
    done.trace.check_sound()
