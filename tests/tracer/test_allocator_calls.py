"""The allocators, called as extension modules call them: resized, failed, freed elsewhere, without
the GIL.
"""

from __future__ import annotations

import sys
from typing import Any

import pytest
from interpreters import INTERPRETERS

# The allocators by name, called with the GIL held.
CALLS = """
import ctypes, sys
api = ctypes.pythonapi
def function(name, result, *arguments):
    f = getattr(api, name)
    f.restype, f.argtypes = result, arguments
    return f
P, N = ctypes.c_void_p, ctypes.c_size_t
class Domain:
    def __init__(self, prefix):
        self.malloc = function(prefix + "Malloc", P, N)
        self.calloc = function(prefix + "Calloc", P, N, N)
        self.realloc = function(prefix + "Realloc", P, P, N)
        self.free = function(prefix + "Free", None, P)
raw, mem, obj = Domain("PyMem_Raw"), Domain("PyMem_"), Domain("PyObject_")
"""
# As CPython keeps them, and a call of ours as it finds them.
TABLES = """
class Table(ctypes.Structure):
    _fields_ = [
        ("context", P),
        ("malloc", ctypes.PYFUNCTYPE(P, P, N)),
        ("calloc", ctypes.PYFUNCTYPE(P, P, N, N)),
        ("realloc", ctypes.PYFUNCTYPE(P, P, P, N)),
        ("free", ctypes.PYFUNCTYPE(None, P, P)),
    ]
def table_of(domain):
    table = Table()
    api.PyMem_GetAllocator(domain, ctypes.byref(table))
    return table
def call_with_context_of_before(domain, base):
    assert before[domain].context is None
    ours = table_of(domain)
    block = ours.malloc(None, base)
    block = ours.realloc(None, block, base + 1)
    ours.free(None, block)
    kept = ours.calloc(None, 1, base + 2)
before = [table_of(domain) for domain in range(3)]
"""
DOMAINS = "for number, domain in enumerate((raw, mem, obj)):"


def sizes(base: int) -> list[int]:
    return [base + number for number in range(3)]


def names(trace: Any, base: int) -> list[str]:
    return [trace.one(size).allocator for size in sizes(base)]


def test_each_domain_is_named(record: Any) -> None:
    trace = record(CALLS + f"{DOMAINS} domain.malloc(50_001 + number)").trace
    assert names(trace, 50_001) == ["raw", "mem", "object"]


def test_calloc_counts_the_product(record: Any) -> None:
    trace = record(CALLS + f"{DOMAINS} domain.calloc(11, 5_000 + number)").trace
    assert [trace.one(11 * (5_000 + number)).allocator for number in range(3)] == [
        "raw",
        "mem",
        "object",
    ]


def test_realloc_ends_the_old_block_and_begins_the_new(record: Any) -> None:
    trace = record(
        CALLS
        + f"{DOMAINS}\n"
        + """
    block = domain.malloc(50_001 + number)
    block = domain.realloc(block, 60_001 + number)    # moved, or grown in place
    block = domain.realloc(block, 55_001 + number)    # shrunk
    small = domain.realloc(domain.malloc(111 + number), 112 + number)  # in place
    kept = block
"""
    ).trace
    for number in range(3):
        assert trace.one(50_001 + number).freed_ns >= 0
        assert trace.one(60_001 + number).freed_ns >= 0
        assert trace.one(55_001 + number).freed_ns == -1
    trace.check_sound()


def test_realloc_of_null_allocates(record: Any) -> None:
    trace = record(CALLS + f"{DOMAINS} domain.realloc(None, 50_001 + number)").trace
    assert names(trace, 50_001) == ["raw", "mem", "object"]
    assert len(trace.allocations(*sizes(50_001))) == 3


def test_failed_realloc_leaves_the_block_live(record: Any) -> None:
    done = record(
        CALLS
        + f"{DOMAINS}\n"
        + """
    block = domain.malloc(50_001 + number)
    print(domain.realloc(block, 1 << 50))
    freed = domain.malloc(60_001 + number)
    print(domain.realloc(freed, 1 << 50))
    domain.free(freed)
    tiny = domain.malloc(33)
    print(domain.realloc(tiny, 1 << 50))
    domain.free(tiny)
"""
    )
    assert done.lines == ["None"] * 9
    trace = done.trace
    for number in range(3):
        assert trace.one(50_001 + number).freed_ns == -1
        assert trace.one(60_001 + number).freed_ns >= 0
    assert not trace.allocations(1 << 50)
    assert trace.metadata["stale_blocks_closed"] == 0
    trace.check_sound()


def test_realloc_to_nothing_leaves_a_block_of_no_bytes(record: Any) -> None:
    done = record(
        CALLS
        + f"{DOMAINS}\n"
        + """
    block = domain.realloc(domain.malloc(50_001 + number), 0)
    print(block is not None)
    domain.free(block)
"""
    )
    assert done.lines == ["True"] * 3  # CPython asks the C library for a byte
    trace = done.trace
    assert all(trace.one(size).freed_ns >= 0 for size in sizes(50_001))
    assert all(row.freed_ns >= 0 for row in trace.own(0))


def test_failed_allocations_record_nothing(record: Any) -> None:
    done = record(
        CALLS
        + """
PETABYTE = 1 << 50
for domain in (raw, mem, obj):
    print(domain.malloc(PETABYTE), domain.calloc(1 << 25, 1 << 25), domain.calloc(1 << 40, 1 << 40))
try:
    bytes(PETABYTE)
except MemoryError:
    print("MemoryError")
"""
    )
    assert done.lines == ["None None None"] * 3 + ["MemoryError"]
    assert max(done.trace.columns["size"]) < 1 << 40


def test_free_of_null_is_nothing(record: Any) -> None:
    record(CALLS + f"{DOMAINS} domain.free(None)").trace.check_sound()


def test_blocks_of_gigabytes_leave_the_live_heap_as_it_was(run: Any) -> None:
    """The live table keeps a block's size in few bits."""
    done = run(
        CALLS
        + """
import memlyze
tracer = memlyze.start(sys.argv[1], sample_rate=1.0)
block = raw.malloc((5 << 30) + 123)         # never touched: costs no memory
if not block:
    print("none")
raw.free(block)
tracer.stop()
"""
    )
    if done.stdout:
        return  # the machine does not overcommit
    trace = done.trace
    assert trace.one((5 << 30) + 123).freed_ns >= 0
    live = trace.columns["freed_ns"] == -1
    assert trace.memory[-1]["heap_live"] == int(trace.columns["size"][live].sum())
    assert max(tick["heap_live"] for tick in trace.memory) < 6 << 30


def test_raw_blocks_of_native_threads_without_the_gil(record: Any, native: str) -> None:
    trace = record(
        CALLS
        + """
native = ctypes.CDLL(sys.argv[1])   # lets the GIL go
native.use_allocator(api.PyMem_RawMalloc, api.PyMem_RawFree)
native.run_threads(8, ctypes.c_size_t(70_001), ctypes.c_size_t(500), ctypes.c_size_t(3))
""",
        native,
    ).trace
    rows = trace.allocations(70_001)
    assert len(rows) == 8 * 500
    assert len([row for row in rows if row.freed_ns == -1]) == 8 * 3
    assert len({row.thread_id for row in rows}) == 8
    assert {row.allocator for row in rows} == {"raw"}
    assert {row.stack_id for row in rows} == {0}  # not the stack of whoever holds the GIL
    trace.check_sound()


def test_starting_and_stopping_under_native_threads_that_allocate(run: Any, native: str) -> None:
    """Their calls run through the allocator tables while these are exchanged."""
    done = run(
        CALLS
        + f"""
import memlyze
native = ctypes.CDLL({native!r})
native.use_allocator(api.PyMem_RawMalloc, api.PyMem_RawFree)
native.start_endless(ctypes.c_size_t(70_001))
for number in range(30):
    memlyze.start(sys.argv[1], force=True, sample_rate=1.0)
    kept = bytes(50_001)
    memlyze.stop()
native.stop_endless()
"""
    )
    trace = done.trace
    trace.check_sound()
    assert trace.one(50_001 + 33).freed_ns == -1


def test_frees_during_thread_teardown_are_recorded(record: Any, native: str) -> None:
    trace = record(
        CALLS
        + """
native = ctypes.CDLL(sys.argv[1])
native.use_allocator(api.PyMem_RawMalloc, api.PyMem_RawFree)
native.run_thread_with_late_free(ctypes.c_size_t(70_001))
""",
        native,
    ).trace
    assert trace.one(70_001).freed_ns >= 0
    assert trace.one(70_002).freed_ns >= 0


def test_pending_exception_survives_an_allocation(record: Any) -> None:
    """Building the exception allocates while it is pending."""
    done = record(
        CALLS
        + """
set_error = function("PyErr_SetString", None, ctypes.c_void_p, ctypes.c_char_p)
try:
    set_error(ctypes.c_void_p.in_dll(api, "PyExc_KeyError"), b"mine" * 20_000)
except KeyError as error:
    print(len(error.args[0]))
try:
    int("x" * 50_001)
except ValueError as error:
    print(len(str(error)) > 200)
"""
    )
    assert done.lines == ["80000", "True"]


def test_block_that_is_resized_to_nothing_takes_no_budget_away(record: Any) -> None:
    """A hook within another must leave the other's budget: otherwise the next allocation is due."""
    trace = record(
        CALLS
        + """
for _ in range(700):
    block = mem.realloc(mem.malloc(15_001), 0)  # both pass through the raw domain, too
    mem.free(block)
""",
        sample_rate=0.0,
        sample_interval=1 << 20,
    ).trace
    assert len(trace) < 100  # about twelve are due


def test_a_call_that_read_the_table_while_it_was_exchanged(run: Any) -> None:
    """The context of before with a function of ours: the raw domain's calls hold no lock."""
    done = run(
        CALLS
        + TABLES
        + """
import memlyze
for sample_rate in (0.001, 0.1, 1.0):
    memlyze.start(sys.argv[1], force=True, sample_rate=sample_rate)
    call_with_context_of_before(0, 50_001)
    memlyze.stop()
    call_with_context_of_before(0, 60_001)
"""
    )
    trace = done.trace
    trace.check_sound()
    assert trace.one(50_001).freed_ns >= 0
    assert trace.one(50_002).freed_ns >= 0
    assert trace.one(50_003).freed_ns == -1


@pytest.mark.skipif(sys.version_info < (3, 12), reason="one GIL for all")
def test_a_call_of_another_interpreter_that_read_the_table_while_it_was_exchanged(
    run: Any,
) -> None:
    """Its GIL is another one, so that its calls of the other domains may come meanwhile, too."""
    done = run(
        INTERPRETERS
        + CALLS
        + TABLES
        + """
import memlyze
interpreter = create()
for sample_rate in (0.001, 0.1, 1.0):
    memlyze.start(sys.argv[1], force=True, sample_rate=sample_rate)
    for domain in range(3):
        call_with_context_of_before(domain, 50_001 + 10 * domain)
    memlyze.stop()
    for domain in range(3):
        call_with_context_of_before(domain, 60_001)
destroy(interpreter)
"""
    )
    trace = done.trace
    trace.check_sound()
    for number, name in enumerate(("raw", "mem", "object")):
        assert trace.one(50_001 + 10 * number).freed_ns >= 0
        assert trace.one(50_003 + 10 * number).freed_ns == -1
        assert trace.one(50_003 + 10 * number).allocator == name
