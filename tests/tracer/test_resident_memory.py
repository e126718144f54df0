"""What the resident memory consists of: programs whose memory is known, from their own files to a
library's reservations. In each of them nearly all must be explained, and rightly.
"""

from __future__ import annotations

import platform
import re
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from native_programs import build

import memlyze
from memlyze.analyses.summary import summarize
from memlyze.trace.trace_file import TraceFile

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the system says it on Linux alone")

HERE = Path(__file__).parent
MIB = 1 << 20


class Snapshot(NamedTuple):
    """The last one: what there was at the end of the program."""

    resident: dict[str, int]
    reserved: dict[str, int]
    mappings: dict[str, int]
    by_path: dict[str, dict[str, int]]
    rss: int
    """By the memory clock."""
    count: int

    @property
    def explained(self) -> float:
        """The part of the resident memory that is."""
        return 1 - self.resident["unexplained"] / sum(self.resident.values())


def last_snapshot(path: Path) -> Snapshot:
    with TraceFile(path) as trace:
        table, memory = trace.table("resident"), trace.table("memory")
        assert not trace.damage
    times = table["time_ns"].tolist()
    sums: list[dict[str, int]] = [defaultdict(int), defaultdict(int), defaultdict(int)]
    by_path: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    columns = [table[name].tolist() for name in ("category", "path")]
    figures = [
        table[name].tolist() for name in ("resident_bytes", "reserved_bytes", "mapping_count")
    ]
    for time_ns, category, path_text, *values in zip(times, *columns, *figures):
        if time_ns == times[-1]:
            for total, value in zip(sums, values):
                total[category] += value
            by_path[category][path_text] += values[0]
    return Snapshot(*sums, by_path, int(memory["rss"][-1]), len(set(times)))


@pytest.fixture
def explain(record: Any) -> Any:
    """Record a program, and look at the snapshot of its end: at least 95 % must be explained."""

    def explain(source: str, *, least: float = 0.95, **how: Any) -> Snapshot:
        snapshot = last_snapshot(record(source, **{"sample_rate": 0.0, **how}).trace_path)
        assert snapshot.explained >= least, dict(snapshot.resident)
        return snapshot

    return explain


def test_parts_add_up_to_what_the_memory_clock_shows(explain: Any) -> None:
    snapshot = explain("kept = [bytes(100) for _ in range(100_000)]")
    total = sum(snapshot.resident.values())
    # The clock's figure is one that the kernel keeps by thread and adds up now and then.
    assert abs(total - snapshot.rss) <= MIB
    assert snapshot.count >= 2


def test_small_objects_are_python_objects(explain: Any) -> None:
    # 33 bytes more than the text, in blocks of 144.
    snapshot = explain("kept = [bytes(100) for _ in range(200_000)]")
    assert 200_000 * 144 <= snapshot.resident["python_objects"] < 200_000 * 144 + 6 * MIB
    assert snapshot.resident["pymalloc_free"] < 3 * MIB


def test_objects_from_before_the_recording_are_counted_too(run: Any) -> None:
    done = run(
        """
        import sys
        kept = [bytes(100) for _ in range(200_000)]
        import memlyze
        memlyze.start(sys.argv[1])
        """
    )
    snapshot = last_snapshot(done.trace_path)
    assert snapshot.resident["python_objects"] >= 200_000 * 144
    assert snapshot.explained >= 0.95


def test_objects_of_very_large_heaps_are_estimated_closely(explain: Any) -> None:
    snapshot = explain(
        """
        kept = [bytes(100) for _ in range(1_500_000)]
        del kept[::3]
        """
    )
    assert snapshot.resident["python_objects"] == pytest.approx(1_000_000 * 144, rel=0.05)
    assert snapshot.resident["pymalloc_free"] == pytest.approx(500_000 * 144, rel=0.1)


def test_large_objects_are_malloc_s(explain: Any) -> None:
    snapshot = explain("kept = b'x' * (64 << 20), [b'y' * 100_000 for _ in range(200)]")
    assert 64 * MIB + 200 * 100_000 <= snapshot.resident["malloc_live"] < 90 * MIB
    assert snapshot.resident["python_objects"] < 10 * MIB


def test_holes_between_objects_are_free_memory_of_pymalloc_and_malloc(explain: Any) -> None:
    snapshot = explain(
        """
        small = [bytes(100) for _ in range(200_000)]
        large = [bytearray(2000) for _ in range(20_000)]
        del small[::2], large[::2]
        """
    )
    half_of_small, half_of_large = 100_000 * 144, 10_000 * 2000
    assert half_of_small < snapshot.resident["pymalloc_free"] < half_of_small + 3 * MIB
    assert half_of_small < snapshot.resident["python_objects"] < half_of_small + 6 * MIB
    assert half_of_large * 0.95 < snapshot.resident["malloc_free"] < half_of_large + 4 * MIB
    assert half_of_large < snapshot.resident["malloc_live"] < half_of_large + 8 * MIB


def test_objects_without_pymalloc_are_malloc_s(explain: Any) -> None:
    snapshot = explain(
        "kept = [bytes(100) for _ in range(200_000)]", env={"PYTHONMALLOC": "malloc"}
    )
    assert snapshot.resident["python_objects"] == snapshot.resident["pymalloc_free"] == 0
    assert snapshot.resident["malloc_live"] >= 200_000 * 144


def test_heap_of_another_allocator_is_not_free_memory_of_the_c_library(
    explain: Any, tmp_path: Path
) -> None:
    """A preloaded tcmalloc moves the program break, too, and glibc knows of none of its blocks."""
    allocator = build(HERE / "sbrk_allocator.c", tmp_path / "own.so", "-fno-builtin")
    snapshot = explain(
        """
        import ctypes
        assert ctypes.CDLL(None).moves_the_program_break() == 1
        kept = [b"x" * 5000 for _ in range(8000)]
        """,
        least=0.0,
        env={"LD_PRELOAD": str(allocator)},
    )
    assert snapshot.resident["unexplained"] >= 8000 * 5000
    assert snapshot.resident["malloc_free"] + snapshot.resident["malloc_live"] < 8 * MIB


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's heaps")
def test_heap_of_another_allocator_is_told_from_heaps_of_the_c_library_elsewhere(
    explain: Any, tmp_path: Path
) -> None:
    """Those that glibc has for other threads do not lie at the program break."""
    allocator = build(HERE / "sbrk_allocator.c", tmp_path / "own.so", "-fno-builtin")
    snapshot = explain(
        """
        import ctypes, threading
        malloc = ctypes.CDLL("libc.so.6").malloc  # the C library's own, whatever stands in for it
        malloc.restype, malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
        def work():
            for _ in range(4000):
                ctypes.memset(malloc(5000), 1, 5000)
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        kept = [b"x" * 5000 for _ in range(8000)]
        """,
        least=0.0,
        env={"LD_PRELOAD": str(allocator)},
    )
    assert snapshot.resident["unexplained"] >= 8000 * 5000
    assert 4000 * 5000 <= snapshot.resident["malloc_live"] < 4000 * 5000 + 8 * MIB
    assert snapshot.resident["malloc_free"] < 8 * MIB


def test_arrays_are_malloc_s_and_untouched_ones_only_reserved(explain: Any) -> None:
    snapshot = explain(
        """
        import numpy
        kept = [numpy.ones(1_000_000) for _ in range(10)], [numpy.ones(3000) for _ in range(500)]
        untouched = numpy.zeros(1 << 27)
        """
    )
    touched = 10 * 8_000_000 + 500 * 24_000
    assert touched < snapshot.resident["malloc_live"] < touched + 16 * MIB
    assert snapshot.reserved["malloc_live"] >= touched + (8 << 27)


def test_threads_have_stacks_and_arenas(explain: Any) -> None:
    snapshot = explain(
        """
        import threading
        ready, done = threading.Barrier(41), threading.Event()
        def descend(depth):
            if depth:
                return descend(depth - 1)
            ready.wait()
            done.wait()
        def work():
            kept = [bytes(3000) for _ in range(200)]
            descend(300)
        for _ in range(40):
            threading.Thread(target=work, daemon=True).start()
        ready.wait()
        """
    )
    assert snapshot.reserved["thread_stacks"] >= 40 * 128 * 1024
    assert snapshot.resident["thread_stacks"] >= 41 * 4096
    assert snapshot.resident["malloc_live"] >= 40 * 200 * 3000
    if sys.version_info >= (3, 11):
        assert snapshot.mappings["python_frames"] >= 1
        assert snapshot.resident["python_frames"] >= 41 * 4096


def test_mapped_files_are_told_from_shared_memory_and_reservations(explain: Any) -> None:
    snapshot = explain(
        """
        import mmap
        with open("data", "w+b") as file:
            file.truncate(64 << 20)
            data = mmap.mmap(file.fileno(), 0)
            private = mmap.mmap(file.fileno(), 0, flags=mmap.MAP_PRIVATE)
        data[: 20 << 20] = b"x" * (20 << 20)
        private[: 5 << 20] = b"y" * (5 << 20)
        shared = mmap.mmap(-1, 16 << 20)
        shared[: 8 << 20] = b"z" * (8 << 20)
        reserved = mmap.mmap(-1, 1 << 40, prot=0, flags=mmap.MAP_PRIVATE | 0x4000)
        """
    )
    (path,) = (path for path in snapshot.by_path["mapped_files"] if path.endswith("/data"))
    assert snapshot.by_path["mapped_files"][path] == 25 * MIB
    assert snapshot.reserved["mapped_files"] >= 128 * MIB
    assert snapshot.resident["shared_memory"] == 8 * MIB
    assert snapshot.reserved["shared_memory"] == 16 * MIB
    assert snapshot.resident["no_access"] == 0
    assert snapshot.reserved["no_access"] >= 1 << 40


def test_code_and_variables_of_libraries_are_named(explain: Any) -> None:
    snapshot = explain("import decimal, ssl")
    assert any("libc" in path for path in snapshot.by_path["code"])
    assert any("python" in path for path in snapshot.by_path["library_data"])
    assert 2 * MIB < snapshot.resident["code"] < 64 * MIB
    assert not any("_tracer" in path for path in snapshot.by_path["code"])


def test_memory_of_the_recorder_is_its_own(explain: Any) -> None:
    snapshot = explain("kept = [bytes(20) for _ in range(500_000)]", sample_rate=1.0)
    # At least an entry of eight bytes a block.
    assert 500_000 * 8 < snapshot.resident["tracer"] < 40 * MIB
    assert any("_tracer" in path for path in snapshot.by_path["tracer"])


def test_memory_clock_counts_what_the_recorder_touched_for_idle_threads(record: Any) -> None:
    """Each has a ring and tables of which it has written to the first pages alone."""
    path = record(
        """
        import threading

        never = threading.Lock()
        never.acquire()
        for _ in range(100):
            threading.Thread(target=never.acquire, daemon=True).start()
        """,
        sample_rate=1.0,
    ).trace_path
    snapshot = last_snapshot(path)
    with TraceFile(path) as trace:
        own = int(trace.table("memory")["tracer_bytes"][-1])
    assert abs(own - snapshot.resident["tracer"]) < 4 * MIB < snapshot.resident["tracer"]


@pytest.mark.skipif(
    tuple(map(int, re.findall(r"\d+", platform.release())[:2])) < (6, 7),
    reason="Linux before 6.7 does not tell pages that were only read from others",
)
def test_memory_clock_does_not_count_tables_that_were_only_looked_into(record: Any) -> None:
    """The free of a large block looks for it in all tables by address, and is in none of them."""
    path = record(
        "small = [bytes(100) for _ in range(200_000)]\n"
        "large = [bytearray(50_000) for _ in range(600)]\n"
        "del large\n",
        sample_rate=1.0,
    ).trace_path
    snapshot = last_snapshot(path)
    with TraceFile(path) as trace:
        own = int(trace.table("memory")["tracer_bytes"][-1])
    assert own < 1.3 * snapshot.resident["tracer"] + MIB


def test_memory_that_nobody_is_known_to_hold_is_said_to_be_unexplained(explain: Any) -> None:
    snapshot = explain(
        """
        import mmap
        kept = mmap.mmap(-1, 64 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        for page in range(0, 32 << 20, 4096):
            kept[page] = 1
        """,
        least=0.0,
    )
    assert 32 * MIB <= snapshot.resident["unexplained"] < 33 * MIB
    assert snapshot.reserved["unexplained"] >= 64 * MIB


def test_thousands_of_mappings_are_all_told(explain: Any) -> None:
    # The kernel joins some with neighbours that are alike: a few more are made than are asked for.
    snapshot = explain(
        """
        import mmap
        kept = []
        for number in range(3010):
            kept.append(mmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS,
                                  prot=1 + 2 * (number % 2)))
            if number % 2:
                kept[-1][0] = 1
        """,
        least=0.0,
    )
    assert snapshot.mappings["unexplained"] >= 3000
    assert snapshot.resident["unexplained"] == pytest.approx(1500 * 4096, rel=0.05)


def test_peak_in_the_middle_was_seen(record: Any) -> None:
    done = record(
        """
        import time
        kept = b"x" * (100 << 20)
        end = time.monotonic() + 3
        while time.monotonic() < end:
            pass
        del kept
        """,
        sample_rate=0.0,
    )
    with TraceFile(done.trace_path) as trace:
        table = trace.table("resident")
    is_malloc = table["category"] == "malloc_live"
    assert table["resident_bytes"][is_malloc].max() >= 100 * MIB
    assert table["resident_bytes"][is_malloc][-1] < 50 * MIB


def test_without_proc_resident_memory_is_not_known(record: Any, tmp_path: Path) -> None:
    library = build(HERE / "no_proc.c", tmp_path / "no_proc.so")
    done = record(
        """
        import os
        try:
            os.close(os.open("/proc/self/statm", os.O_RDONLY))
        except FileNotFoundError:
            print("no /proc")
        kept = bytearray(1 << 20)
        """,
        env={"LD_PRELOAD": str(library)},
    )
    assert done.stdout == "no /proc\n"
    with memlyze.open(done.trace_path) as trace:
        readings = trace.sql("SELECT DISTINCT rss, program_rss FROM memory").fetchall()
        summary = summarize(trace)
    assert readings == [(None, None)]
    assert summary.memory_ticks > 0
    assert (summary.peak_rss, summary.resident) == (None, None)
    assert summary.processes[0].peak_rss is None
