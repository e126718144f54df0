"""What is mapped is recorded in bytes of addresses, right at every moment."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Any, Callable

import pytest
from native_programs import Recorder
from recorded import Run

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux alone")

MAPPINGS = """
for name, result, arguments in (
    ("page_size", size_t, []), ("map_pages", pointer, [size_t]),
    ("map_over", pointer, [pointer, size_t, size_t]), ("reserve_pages", pointer, [size_t]),
    ("commit_pages", ctypes.c_int, [pointer, size_t, size_t]),
    ("unmap_pages", ctypes.c_int, [pointer, size_t, size_t]),
    ("unmap_badly", ctypes.c_int, [pointer, size_t]),
    ("resize_pages", pointer, [pointer, size_t, size_t]),
    ("move_pages", pointer, [pointer, size_t, pointer]), ("map_many", ctypes.c_int, [size_t]),
):
    function = getattr(library, name)
    function.restype, function.argtypes = result, arguments
print(library.page_size())
"""


class Mapped:
    """The mappings of a program, in pages."""

    def __init__(self, done: Run) -> None:
        self.done = done
        self.trace = done.trace
        page_bytes = int(done.lines[0])
        self.rows = [
            (row.allocator, row.size // page_bytes, self._function(row), row.freed_ns == -1)
            for row in self.trace.allocations()
            if row.allocator.startswith("mmap")
        ]
        assert all(
            row.size % page_bytes == 0
            for row in self.trace.allocations()
            if row.allocator.startswith("mmap")
        )

    def _function(self, row: Any) -> str:
        return self.trace.stack(row.stack_id)[0].function if row.stack_id else ""

    def live(self, *functions: str) -> Counter[tuple[str, str, int]]:
        """(allocator, function, pages) of what these functions have mapped for good."""
        return Counter(
            (allocator, function, pages)
            for allocator, pages, function, is_live in self.rows
            if is_live and function in functions
        )

    def all(self, *functions: str) -> list[tuple[str, int]]:
        return [(allocator, pages) for allocator, pages, name, _ in self.rows if name in functions]


@pytest.fixture
def record_mappings(record_native: Recorder) -> Callable[[str], Mapped]:
    """Record what a program maps; the library's functions are declared in it."""

    def record_mappings(source: str) -> Mapped:
        return Mapped(record_native(MAPPINGS + source))

    return record_mappings


def test_mapping_is_one_allocation_and_its_unmapping_the_free(
    record_mappings: Callable[[str], Mapped],
) -> None:
    mapped = record_mappings(
        """
def work():
    kept, gone = library.map_pages(100), library.map_pages(50)
    assert library.unmap_pages(gone, 0, 50) == 0
work()
"""
    )
    assert mapped.all("work") == [("mmap", 100), ("mmap", 50)]
    assert mapped.live("work") == Counter([("mmap", "work", 100)])
    mapped.trace.check_sound()


def test_rests_of_a_mapping_keep_its_stack(record_mappings: Callable[[str], Mapped]) -> None:
    mapped = record_mappings(
        """
base = library.reserve_pages(200)
def work():
    return library.map_over(base, 0, 100)
def cut(base):
    assert library.unmap_pages(base, 40, 10) == 0
    assert library.unmap_pages(base, 0, 5) == 0
    assert library.unmap_pages(base, 98, 7) == 0  # beyond its end, too
cut(work())
"""
    )
    assert mapped.live("work") == Counter([("mmap", "work", 35), ("mmap", "work", 48)])
    assert mapped.all("cut") == []
    mapped.trace.check_sound()


def test_one_call_can_unmap_several_mappings(record_mappings: Callable[[str], Mapped]) -> None:
    mapped = record_mappings(
        """
def work():
    base = library.map_pages(100)
    for first in (20, 40, 60):
        assert library.map_over(base, first, 10) == base + first * library.page_size()
    return base
base = work()
assert library.unmap_pages(base, 25, 40) == 0
"""
    )
    assert mapped.live("work") == Counter(
        {("mmap", "work", 20): 1, ("mmap", "work", 5): 2, ("mmap", "work", 30): 1}
    )
    mapped.trace.check_sound()


def test_failed_unmapping_leaves_the_mapping(record_mappings: Callable[[str], Mapped]) -> None:
    mapped = record_mappings(
        """
def work():
    return library.map_pages(100)
assert library.unmap_badly(work(), 100) == 1
"""
    )
    assert mapped.all("work") == [("mmap", 100)]
    assert mapped.live("work") == Counter([("mmap", "work", 100)])


def test_moved_mapping_is_of_who_moved_it_and_a_shortened_one_is_not(
    record_mappings: Callable[[str], Mapped],
) -> None:
    mapped = record_mappings(
        """
def work():
    return library.map_pages(100), library.map_pages(70)
def resize(first, second):
    first = library.resize_pages(first, 100, 3_000)
    assert library.resize_pages(second, 70, 30) == second
    return first
resize(*work())
"""
    )
    assert mapped.live("work", "resize") == Counter(
        [("mmap", "resize", 3_000), ("mmap", "work", 30)]
    )
    mapped.trace.check_sound()


def test_mappings_of_several_kinds_stay_what_they_are_when_one_call_moves_them(
    record_mappings: Callable[[str], Mapped],
) -> None:
    mapped = record_mappings(
        """
base = library.reserve_pages(100)
for first, pages in (20, 10), (30, 5), (50, 7):
    assert library.map_over(base, first, pages)
target = library.reserve_pages(60)
def move(start):
    return library.move_pages(start, 60, target)
print(move(base + 10 * library.page_size()) is not None)
"""
    )
    if mapped.done.lines[1] == "False":
        pytest.skip("moving several mappings in one call needs Linux 6.17")
    assert mapped.live("move") == Counter(
        {
            ("mmap_reserve", "move", 10): 1,
            ("mmap", "move", 15): 1,
            ("mmap_reserve", "move", 15): 1,
            ("mmap", "move", 7): 1,
            ("mmap_reserve", "move", 13): 1,
        }
    )
    mapped.trace.check_sound()


def test_reservation_becomes_memory_where_it_is_made_accessible(
    record_mappings: Callable[[str], Mapped],
) -> None:
    mapped = record_mappings(
        """
def reserve():
    return library.reserve_pages(1 << 20)
def commit(base):
    assert library.commit_pages(base, 10, 20) == 0
    assert library.commit_pages(base, 20, 20) == 0  # ten of them are memory already
def fix(base):
    assert library.map_over(base, 100, 7)
base = reserve()
commit(base)
fix(base)
"""
    )
    live = mapped.live("reserve", "commit", "fix")
    pages: Counter[tuple[str, str]] = Counter()
    for (allocator, function, count), times in live.items():
        pages[allocator, function] += count * times
    assert pages == {
        ("mmap_reserve", "reserve"): (1 << 20) - 37,
        ("mmap", "commit"): 30,
        ("mmap", "fix"): 7,
    }
    mapped.trace.check_sound()


def test_files_and_reservations_are_no_live_heap(record_native: Recorder, tmp_path: Path) -> None:
    done = record_native(
        MAPPINGS
        + """
import mmap
def work():
    with open(sys.argv[1], "wb+") as file:
        file.truncate(5_000 * library.page_size())
        return mmap.mmap(file.fileno(), 0), library.reserve_pages(1 << 28), library.map_pages(2_000)
kept = work()
print(kept[0][0])
""",
        str(tmp_path / "sparse"),
    )
    mapped = Mapped(done)
    assert mapped.live("work") == Counter(
        [
            ("mmap_file", "work", 5_000),
            ("mmap_reserve", "work", 1 << 28),
            ("mmap", "work", 2_000),
        ]
    )
    page_bytes = int(done.lines[0])
    heap_live = mapped.trace.memory[-1]["heap_live"]
    assert 2_000 * page_bytes < heap_live < 7_000 * page_bytes


def test_many_mappings_are_right_one_by_one(record_mappings: Callable[[str], Mapped]) -> None:
    mapped = record_mappings("assert library.map_many(20_000) == 0")
    live = mapped.live("<module>")
    assert live["mmap", "<module>", 1] == 10_000
    assert sum(1 for allocator, _ in mapped.all("<module>") if allocator == "mmap") == 20_000
    assert not any(allocator == "mmap_reserve" for allocator, _, _ in live)
    mapped.trace.check_sound()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_samples_of_rests_stand_for_as_many_bytes_as_there_are(
    record_native: Recorder,
    seed: int,
) -> None:
    trace = record_native(
        MAPPINGS
        + """
def work():
    for _ in range(2_000):
        base = library.map_pages(8)
        assert library.unmap_pages(base, 1, 5) == 0  # one page and two are left
work()
""",
        sample_rate=0.0,
        sample_interval=8 * 4096,
        seed=seed,
    ).trace
    live = sum(
        row.size * row.weight
        for row in trace.allocations()
        if row.allocator == "mmap" and row.freed_ns == -1
    )
    assert live == pytest.approx(2_000 * 3 * 4096, rel=0.15)


UNLIMITED_STACK = """
import os, resource, sys
if resource.getrlimit(resource.RLIMIT_STACK)[0] != resource.RLIM_INFINITY:
    resource.setrlimit(resource.RLIMIT_STACK, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    os.execv(sys.executable, [sys.executable, *sys.argv])
"""
OLD_LAYOUT = """
import ctypes, os, sys
ADDR_COMPAT_LAYOUT = 0x0200000
personality = ctypes.CDLL(None).personality
present = personality(ctypes.c_ulong(0xFFFFFFFF))
if not present & ADDR_COMPAT_LAYOUT:
    personality(ctypes.c_ulong(present | ADDR_COMPAT_LAYOUT))
    os.execv(sys.executable, [sys.executable, *sys.argv])
"""
HOLE = """
import ctypes, re, sys
import memlyze
libc = ctypes.CDLL(None)
libc.mmap.restype, libc.munmap.argtypes = ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_size_t]
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
size = 4 << 30
base = libc.mmap(None, size, 0, 0x4022, -1, 0)  # MAP_NORESERVE | MAP_ANONYMOUS | MAP_PRIVATE
hole = range(base + 4096, base + size - 4096)
assert libc.munmap(hole.start, len(hole)) == 0
memlyze.start(sys.argv[1], force=True)
kept = [bytes(100) for _ in range(200_000)]
memlyze.checkpoint()
def recorders():
    # As the recorder tells its own: without reservation, and left out of core dumps.
    with open("/proc/self/smaps") as smaps:
        for line in smaps:
            if line.startswith("VmFlags:"):
                if {"nr", "dd"} <= set(line.split()):
                    yield start
            elif re.match("[0-9a-f]+-[0-9a-f]+ ", line):
                start = int(line.partition("-")[0], 16)
starts = list(recorders())
print(len(starts) > 3, [hex(start) for start in starts if start in hole])
memlyze.stop()
"""


@pytest.mark.parametrize("sample_rate", [0.0, 1.0])
def test_recorder_maps_nothing_into_a_hole_that_the_program_has_made(
    run: Any, sample_rate: float
) -> None:
    source = HOLE.replace("force=True", f"force=True, sample_rate={sample_rate}")
    assert run(source).lines == ["True []"]


@pytest.mark.parametrize("layout", [UNLIMITED_STACK, OLD_LAYOUT])
def test_recorder_maps_nothing_into_a_hole_where_the_kernel_maps_elsewhere(
    run: Any, layout: str
) -> None:
    resource = pytest.importorskip("resource")
    if resource.getrlimit(resource.RLIMIT_STACK)[1] != resource.RLIM_INFINITY:
        pytest.skip("needs a stack without a limit")
    assert run(layout + HOLE).lines == ["True []"]
