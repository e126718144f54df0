"""What libraries have from malloc is recorded once, with the Python stack that led to it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from native_programs import LIBRARY, SHIM, Recorder, build
from recorded import Trace

HERE = Path(__file__).parent

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux alone")


def rows(trace: Trace, *sizes: int) -> list[tuple[int, str, bool]]:
    """(size, allocator, whether it was freed) of the allocations of these sizes, in order."""
    return [(row.size, row.allocator, row.freed_ns >= 0) for row in trace.allocations(*sizes)]


def test_each_function_of_the_family_is_recorded_once_with_its_python_stack(
    record_native: Recorder,
) -> None:
    trace = record_native(
        """
def work():
    assert library.have_one_of_each(70_000) == 0
work()
"""
    ).trace
    assert rows(trace, *range(70_000, 70_009)) == [
        (70_000 + number, "malloc", number % 2 == 1) for number in range(9)
    ]
    for number in range(9):
        assert trace.functions_of(70_000 + number) == ["work", "<module>"]
    trace.check_sound()


def test_small_blocks_are_recorded_to_the_byte(record_native: Recorder) -> None:
    trace = record_native(
        """
def work():
    blocks = [library.have(3_001 + number % 10) for number in range(1_000)]
    for block in blocks[:300]:
        library.give_back(block)
    return blocks
kept = work()
"""
    ).trace
    found = [row for row in trace.own(*range(3_001, 3_011)) if row.allocator == "malloc"]
    assert len(found) == 1000
    assert sum(row.size for row in found) == sum(3_001 + number % 10 for number in range(1_000))
    assert sum(row.freed_ns >= 0 for row in found) == 300
    trace.check_sound()


def test_block_that_grows_leaves_the_last_one(record_native: Recorder) -> None:
    trace = record_native("kept = library.grow(80_000, 7, 100)").trace
    sizes = [80_000 + 7 * step for step in range(101)]
    assert rows(trace, *sizes) == [(size, "malloc", size != sizes[-1]) for size in sizes]


def test_realloc_to_nothing_frees(record_native: Recorder) -> None:
    trace = record_native("library.shrink_to_nothing(81_111)").trace
    assert rows(trace, 81_111) == [(81_111, "malloc", True)]
    trace.check_sound()


def test_failed_call_records_nothing_and_leaves_the_block(record_native: Recorder) -> None:
    done = record_native("print(library.fail(82_222))")
    assert done.stdout == "7\n"
    assert rows(done.trace, 82_222) == [(82_222, "malloc", False)]
    assert rows(done.trace, 82_223) == [(82_223, "malloc", True)]
    assert not [row for row in done.trace.allocations() if row.size > 1 << 40]


def test_errno_is_as_the_call_left_it(record_native: Recorder) -> None:
    # So many that buffers fill, and the recorder has to wait for the writer.
    done = record_native("print(library.errors_changed(600, 200_000))")
    assert done.stdout == "0\n"


def test_errno_is_as_free_left_it_in_a_thread_without_a_state(record_native: Recorder) -> None:
    """Which gets one for what it has to tell; there is no memory for that."""
    done = record_native("print(library.error_changed_in_first_free(1 << 20))")
    assert done.stdout == "0\n"


def test_text_that_the_c_library_copies_is_recorded(record_native: Recorder) -> None:
    trace = record_native(
        """
kept = library.copy_text(b"x" * 83_332)
"""
    ).trace
    assert (83_333, "malloc", False) in rows(trace, 83_333)


def test_blocks_that_threads_give_each_other_all_match(record_native: Recorder) -> None:
    trace = record_native("assert library.exchange_among_threads(8, 84_4, 20_000, 64) == 0").trace
    found = [row for row in trace.allocations(844) if row.allocator == "malloc"]
    assert len(found) == 8 * 20_000
    assert all(row.freed_ns >= 0 for row in found)
    assert len({row.thread_id for row in found}) == 8
    trace.check_sound()


def test_block_of_a_thread_without_python_has_no_stack(record_native: Recorder) -> None:
    trace = record_native("kept = library.have_in_native_thread(85_555)").trace
    row = trace.one(85_555)
    assert (row.allocator, row.stack_id) == ("malloc", 0)
    assert trace.threads[row.thread_id]["name"] != "MainThread"


def test_thread_that_frees_to_its_last_moment_leaves_nothing_behind(
    record_native: Recorder,
) -> None:
    done = record_native(
        """
import time
def address_space_mb():
    return int(open("/proc/self/statm").read().split()[0]) // 256
library.run_threads_that_free_last(10, 85_666)
before = address_space_mb()
assert library.run_threads_that_free_last(400, 85_666) == 0
deadline = time.monotonic() + 60
while address_space_mb() > before + 200 and time.monotonic() < deadline:
    time.sleep(0.05)
print(address_space_mb() - before)
"""
    )
    assert int(done.stdout) <= 200
    found = done.trace.allocations(85_666)
    assert len(found) == 410 * 4
    assert all(row.freed_ns >= 0 for row in found)
    done.trace.check_sound()


def test_recorders_own_threads_are_nobodys_memory(record_native: Recorder) -> None:
    """Around each fork of the program the recorder ends its thread, and begins another."""
    trace = record_native(
        """
def fork():
    for _ in range(20):
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
fork()
"""
    ).trace
    mine = [row for row in trace.allocations(function="fork") if row.allocator == "malloc"]
    # CPython counts the threads of a process that forks, and reads a file for it.
    assert [row for row in mine if row.freed_ns == -1] == []


def test_python_memory_is_not_counted_again_as_native(record_native: Recorder) -> None:
    trace = record_native(
        """
import sys
large = [bytes(size - sys.getsizeof(b"")) for size in range(86_000, 86_100)]
small = [bytes(400) for _ in range(50_000)]  # some 20 MB in arenas
"""
    ).trace
    assert rows(trace, *range(86_000, 86_100)) == [
        (size, "object", False) for size in range(86_000, 86_100)
    ]
    arenas = [row for row in trace.allocations() if row.size >= 1 << 18 and "mmap" in row.allocator]
    assert not [row for row in arenas if row.stack_id]


@pytest.mark.parametrize("python_malloc", ["pymalloc", "malloc", "pymalloc_debug", "malloc_debug"])
def test_samples_count_python_memory_once_whatever_is_beneath(
    record_native: Recorder, python_malloc: str
) -> None:
    trace = record_native(
        """
def work():
    return [bytes(100) for _ in range(100_000)]
kept = work()
""",
        env={"PYTHONMALLOC": python_malloc},
        sample_rate=0.0,
        sample_interval=20_000,
        seed=5,
    ).trace
    mine = [
        row
        for row in trace.allocations()
        if row.stack_id and any(f.function.endswith("work") for f in trace.stack(row.stack_id))
    ]
    assert not [row for row in mine if row.allocator in ("malloc", "mmap")]
    estimate = sum(row.size * row.weight for row in mine if row.size == 133)
    assert estimate == pytest.approx(100_000 * 133, rel=0.15)


def test_samples_estimate_native_memory(record_native: Recorder) -> None:
    trace = record_native(
        """
def work():
    return [library.have(1_000) for _ in range(20_000)]
kept = work()
""",
        sample_rate=0.0,
        sample_interval=20_000,
        seed=7,
    ).trace
    found = [row for row in trace.allocations(1_000) if row.allocator == "malloc"]
    assert sum(row.weight for row in found) == pytest.approx(20_000, rel=0.15)


def test_what_is_looked_up_by_name_is_recorded(record_native: Recorder) -> None:
    """ctypes finds the C library's functions with dlsym, in the C library itself too."""
    trace = record_native(
        """
for name in ("libc.so.6", None):
    libc = ctypes.CDLL(name)
    libc.malloc.restype, libc.malloc.argtypes = pointer, [size_t]
    libc.free.argtypes = [pointer]
    kept = libc.malloc(87_777)
    libc.free(libc.malloc(87_778))
    libc.free(library.have(87_779))
"""
    ).trace
    assert rows(trace, 87_777, 87_778, 87_779) == [
        (size, "malloc", size != 87_777)
        for size in (87_777, 87_777, 87_778, 87_778, 87_779, 87_779)
    ]
    trace.check_sound()


def test_next_symbol_is_looked_for_from_the_library_that_asks(record_native: Recorder) -> None:
    done = record_native("print(library.next_malloc_works(88_888), library.next_is_not_this())")
    assert done.stdout == "1 1\n"


def test_numpy_data_is_recorded_once_whichever_allocator_it_uses(record_native: Recorder) -> None:
    pytest.importorskip("numpy")
    trace = record_native(
        """
import numpy
def work():
    kept = numpy.ones(1_000_003, dtype=numpy.uint8)
    gone = numpy.ones(1_000_005, dtype=numpy.uint8)
    return kept
kept = work()
"""
    ).trace
    for size, freed in ((1_000_003, False), (1_000_005, True)):
        ((_, allocator, was_freed),) = rows(trace, size)
        assert allocator in ("malloc", "raw")
        assert was_freed is freed
        assert "work" in trace.functions_of(size)
    trace.check_sound()


def test_small_numpy_buffer_stays_in_numpys_own_cache(record_native: Recorder) -> None:
    """Freed to numpy, not to malloc: live to everyone who looks at malloc, and counted once."""
    pytest.importorskip("numpy")
    trace = record_native(
        """
import numpy
def work():
    for _ in range(100):
        numpy.empty(777, dtype=numpy.uint8)
work()
"""
    ).trace
    found = [row for row in trace.own(777) if row.allocator in ("malloc", "raw")]
    assert 1 <= len(found) < 100


def test_library_that_is_loaded_later_is_recorded(record_native: Recorder, tmp_path: Path) -> None:
    build(HERE / "native_memory.c", tmp_path / "later.so")
    trace = record_native(
        """
later = ctypes.CDLL(sys.argv[1])
later.have.restype, later.have.argtypes = pointer, [size_t]
kept = later.have(89_999)
""",
        str(tmp_path / "later.so"),
    ).trace
    assert rows(trace, 89_999) == [(89_999, "malloc", False)]


CONSTRUCTOR = """
#include <stdlib.h>
#include <stdio.h>
__attribute__((constructor)) static void begin(void)
{
    void (*call)(void);
    sscanf(getenv("CALL_BACK"), "%p", (void **)&call);
    call();
}
"""


def test_start_waits_for_a_library_that_needs_python_to_be_loaded(
    run: Any, native_library: Path, tmp_path: Path
) -> None:
    """Its constructor has the loader's lock and wants the GIL; who starts has it the other way."""
    (tmp_path / "constructor.c").write_text(CONSTRUCTOR)
    library = build(tmp_path / "constructor.c", tmp_path / "constructor.so")
    done = run(
        LIBRARY
        + f"""
import threading, time
import memlyze
# Whatever looks a symbol up with the GIL would hang without memlyze, too: all is looked up before.
memlyze.start(sys.argv[1] + ".first")
memlyze.stop()
end_loading = library.end_loading
entered = threading.Event()
@ctypes.CFUNCTYPE(None)
def call_back():
    entered.set()
    for _ in range(2_000):
        time.sleep(0)  # gives the GIL away, and wants it back
    print("loaded")
os.environ["CALL_BACK"] = hex(ctypes.cast(call_back, pointer).value)
ctypes.CDLL(None).setenv(b"CALL_BACK", os.environ["CALL_BACK"].encode(), 1)
library.start_loading({str(library)!r}.encode())
entered.wait()
memlyze.start(sys.argv[1], sample_rate=1.0)
print("started")
assert end_loading() == 1
memlyze.stop()
""",
        env={"NATIVE_LIBRARY": str(native_library)},
    )
    assert sorted(done.lines) == ["loaded", "started"]


def test_pages_of_libraries_are_as_protected_as_before(
    record_native: Recorder, tmp_path: Path
) -> None:
    """Those of a library whose pointers are filled in and made read-only when it is loaded, too."""
    library = build(HERE / "native_memory.c", tmp_path / "sealed_library.so", "-Wl,-z,relro,-z,now")
    done = record_native(
        f"""
sealed = ctypes.CDLL({str(library)!r})
sealed.have.restype, sealed.have.argtypes = pointer, [size_t]
kept = library.have(96_001), sealed.have(96_002)
parts = [line.split() for line in open("/proc/self/maps")]
parts = [part for part in parts if len(part) > 5]
print([part[5] for part in parts if "w" in part[1] and "x" in part[1]])
# Read-only data that follows the code: what the loader protected after it had filled it in.
for name in ("/library.so", "/sealed_library.so"):
    print(sum(part[1] == "r--p" and part[5].endswith(name) for part in parts))
"""
    )
    loose, read_only, sealed = done.lines
    assert loose == "[]"
    assert int(read_only) >= 3
    assert int(sealed) >= 3
    assert rows(done.trace, 96_001, 96_002) == [(n, "malloc", False) for n in (96_001, 96_002)]


def test_recordings_of_different_kinds_follow_each_other(run: Any, native_library: Path) -> None:
    done = run(
        LIBRARY
        + """
import memlyze
def record(path, sizes, **options):
    memlyze.start(path, **options)
    blocks = [library.have(size) for size in sizes]
    assert library.have_one_of_each(95_000) == 0
    memlyze.stop()
    return blocks
sizes = range(90_000, 90_050)
first = record(sys.argv[1] + ".1", sizes, sample_rate=1.0)
second = record(sys.argv[1] + ".2", sizes, sample_interval=100_000)
without = record(sys.argv[1] + ".3", sizes, sample_rate=1.0, native=False)
for block in first + second + without:
    library.give_back(block)
third = record(sys.argv[1], sizes, sample_rate=1.0)
""",
        env={"NATIVE_LIBRARY": str(native_library)},
    )
    sizes = range(90_000, 90_050)
    first, second, without = (Trace(Path(f"{done.trace_path}.{number}")) for number in (1, 2, 3))
    for exact in (first, done.trace):
        assert rows(exact, *sizes) == [(size, "malloc", False) for size in sizes]
        assert len(rows(exact, *range(95_000, 95_009))) == 9
    assert 0 < len(rows(second, *sizes)) < len(sizes)
    assert rows(without, *sizes, *range(95_000, 95_009)) == []


def test_block_whose_free_was_not_seen_is_closed_when_its_address_comes_again(
    run: Any, native_library: Path
) -> None:
    """A library may have a pointer to `free` from before the recording."""
    done = run(
        LIBRARY
        + """
import memlyze
unseen = ctypes.CDLL("libc.so.6").free
unseen.argtypes = [pointer]
memlyze.start(sys.argv[1], sample_rate=1.0)
again = 0
for size in (200, 1_500, 400, 3_000):
    for _ in range(50):
        block = library.have(size)
        unseen(block)
        again += library.have(size + 1) == block
memlyze.stop()
print(again)
""",
        env={"NATIVE_LIBRARY": str(native_library)},
    )
    assert int(done.stdout) > 0
    trace = done.trace
    assert trace.metadata["stale_blocks_closed"] >= int(done.stdout)
    closed = [row for row in trace.allocations(200, 1_500, 400, 3_000) if row.freed_ns >= 0]
    assert len(closed) >= int(done.stdout)
    trace.check_sound()


ALLOCATOR = """
#define _GNU_SOURCE
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
/* A block is a mapping of its own, made through a name that can be interposed. */
void *malloc(size_t size)
{
    size_t *block = mmap(0, size + 64, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED)
        return 0;
    *block = size;
    return (char *)block + 64;
}
void free(void *block)
{
    size_t *start = (size_t *)((char *)block - 64);
    if (block)
        munmap(start, *start + 64);
}
void *calloc(size_t count, size_t size)
{
    return malloc(count * size);
}
void *realloc(void *block, size_t size)
{
    char *moved = malloc(size);
    if (moved && block) {
        size_t old = *(size_t *)((char *)block - 64);
        memcpy(moved, block, old < size ? old : size);
        free(block);
    }
    return moved;
}
int is_ours(void)
{
    return 1;
}
"""


@pytest.mark.parametrize("sampling", [{}, {"sample_rate": 0.0, "sample_interval": 1}])
def test_allocator_that_was_preloaded_is_used_and_not_counted_twice(
    record_native: Recorder, tmp_path: Path, sampling: dict[str, Any]
) -> None:
    """Such an allocator maps memory inside of malloc, and its realloc calls malloc."""
    (tmp_path / "allocator.c").write_text(ALLOCATOR)
    allocator = build(tmp_path / "allocator.c", tmp_path / "allocator.so")
    trace = record_native(
        """
assert ctypes.CDLL(None).is_ours() == 1
def work():
    return library.have(1 << 20), library.grow(2 << 20, 4096, 1)
kept = work()
""",
        env={"LD_PRELOAD": str(allocator)},
        **sampling,
    ).trace
    assert rows(trace, 1 << 20, 2 << 20, (2 << 20) + 4096) == [
        (1 << 20, "malloc", False),
        (2 << 20, "malloc", True),
        ((2 << 20) + 4096, "malloc", False),
    ]
    mine = [row for row in trace.allocations() if row.allocator == "mmap" and row.stack_id]
    assert not [row for row in mine if trace.stack(row.stack_id)[0].function == "work"]


EARLY = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
/* A look-up that allocates, as those of some C libraries do. */
static void *(*real)(void *, const char *);
static char *kept, *other;
void *dlsym(void *handle, const char *name)
{
    if (!real)
        real = dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.34");
    if (!kept) {
        kept = calloc(1, 100);
        strcpy(kept, "early");
        other = malloc(50);
        free(malloc(50));
    }
    return real(handle, name);
}
const char *text(void)
{
    free(other);
    kept = realloc(kept, 100000);
    char *text = strdup(kept);
    free(kept);
    return text;
}
"""


def test_look_up_may_allocate_before_the_real_functions_are_known(
    record: Any, tmp_path: Path
) -> None:
    (tmp_path / "early.c").write_text(EARLY)
    early = build(tmp_path / "early.c", tmp_path / "early.so")
    if b"GLIBC_2.34" not in early.read_bytes():
        pytest.skip("dlsym is another library's")
    done = record(
        """
import ctypes
early = ctypes.CDLL(None)
early.text.restype = ctypes.c_char_p
print(early.text())
""",
        env={"LD_PRELOAD": f"{SHIM}:{early}"},
    )
    assert done.stdout == "b'early'\n"


def test_call_for_more_than_there_can_be_does_not_blind_the_thread(
    record_native: Recorder,
) -> None:
    trace = record_native(
        """
library.have_in_native_thread.argtypes = library.have.argtypes = [ctypes.c_size_t]
kept = []
for vast in (2**64 - 2**40, 2**63, 2**63 - 1):
    kept.append(library.have(vast))
    kept.append(library.have_in_native_thread(vast))
    kept.append(library.have(71_111))
    kept.append(library.have_in_native_thread(72_222))
""",
        sample_rate=0.0,
        sample_interval=100,
    ).trace
    assert len(trace.allocations(71_111)) == len(trace.allocations(72_222)) == 3
