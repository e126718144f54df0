"""The shim records a program that has no Python, when the environment asks for it: one that is
linked to this system's C library, and one linked to musl where there is a compiler for that.
"""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import pytest
from native_programs import C_LIBRARIES, CLibrary
from recorded import Trace

from memlyze.trace.trace_file import TraceFile

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux alone")

PROGRAM = """
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
static void *volatile kept;
static void *work(void *unused)
{
    kept = malloc(5001);
    void *volatile gone = malloc(5002);
    free(gone);
    return unused;
}
int main(int count, char **arguments)
{
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, work, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    kept = malloc(1 << 20);
    mmap(NULL, 1 << 24, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pid_t child = fork();
    if (child == 0)
        execl("/proc/self/exe", arguments[0], (char *)0);
    if (count > 1)
        waitpid(child, NULL, 0);
    puts("done");
    return 3;
}
"""


@pytest.fixture(scope="module", params=sorted(C_LIBRARIES))
def c_library(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> CLibrary:
    return C_LIBRARIES[request.param](tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def program(c_library: CLibrary, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("program")
    source = PROGRAM.replace("pid_t child = fork();", "pid_t child = count > 1 ? fork() : 1;")
    (folder / "p.c").write_text(source)
    return c_library.compile(folder / "p.c", folder / "p")


def run(
    c_library: CLibrary, program: Path, folder: Path, **variables: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program, "and", "a child"],
        cwd=folder,
        env={"LD_PRELOAD": str(c_library.shim), **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_program_without_python_is_recorded_to_the_byte(
    c_library: CLibrary, program: Path, tmp_path: Path
) -> None:
    done = run(
        c_library,
        program,
        tmp_path,
        MEMLYZE_PROGRAM_OUTPUT="{pid}.mlyze",
        MEMLYZE_SAMPLE_RATE="1.0",
    )
    assert (done.returncode, done.stderr) == (3, "")
    (path,) = tmp_path.glob("*.mlyze")  # one: the child is not recorded
    trace = Trace(path)
    assert path.stem == str(trace.metadata["process_id"])
    found = [(row.size, row.allocator, row.freed_ns >= 0) for row in trace.allocations()]
    assert found.count((5001, "malloc", False)) == 4
    assert found.count((5002, "malloc", True)) == 4
    assert found.count((1 << 20, "malloc", False)) == 1
    assert found.count((1 << 24, "mmap_reserve", False)) == 1
    assert {row.stack_id for row in trace.allocations()} == {0}
    assert len({row.thread_id for row in trace.allocations(5001)}) == 4
    assert trace.is_complete
    trace.check_sound()
    if Path(c_library.compiler).name != "musl-gcc":  # that one's malloc does not say what it holds
        with TraceFile(path) as file:
            resident = file.table("resident")
        assert resident["reserved_bytes"][resident["category"] == "malloc_live"].max() > 1 << 20


def test_program_is_not_touched_unless_it_is_asked_for(
    c_library: CLibrary, program: Path, tmp_path: Path
) -> None:
    done = run(c_library, program, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (3, "done\n" * 2, "")
    assert not list(tmp_path.iterdir())


def test_wrong_option_is_named_and_the_program_runs(
    c_library: CLibrary, program: Path, tmp_path: Path
) -> None:
    done = run(
        c_library, program, tmp_path, MEMLYZE_PROGRAM_OUTPUT="t.mlyze", MEMLYZE_SAMPLE_RATE="often"
    )
    assert (done.returncode, done.stdout) == (3, "done\n" * 2)
    (line,) = done.stderr.splitlines()
    assert "MEMLYZE_SAMPLE_RATE must be a number from 0.0 to 1.0" in line


DENSE = """
#include <stdlib.h>
static void *volatile kept;
int main(void)
{
    for (int i = 0; i < 100; i++)
        kept = malloc(100);
    for (int i = 0; i < 400000; i++)
        free(kept = malloc(2000));
    return 0;
}
"""


def test_interval_goes_by_the_pace_of_a_program_without_python(
    c_library: CLibrary, tmp_path: Path
) -> None:
    (tmp_path / "dense.c").write_text(DENSE)
    program = c_library.compile(tmp_path / "dense.c", tmp_path / "dense")
    done = run(c_library, program, tmp_path, MEMLYZE_PROGRAM_OUTPUT="t.mlyze")
    assert (done.returncode, done.stderr) == (0, "")
    trace = Trace(tmp_path / "t.mlyze")
    trace.check_sound()
    assert trace.metadata["sample_interval"] == "adaptive"
    blocks = sorted(trace.allocations(2000), key=lambda block: block.allocation_id)
    assert blocks[0].weight == pytest.approx(1 / (1 - math.exp(-2000 / 512)))
    assert blocks[-1].weight == pytest.approx(1 / (1 - math.exp(-2000 / 65536)))


def test_trace_that_cannot_be_written_is_named_and_the_program_runs(
    c_library: CLibrary, program: Path, tmp_path: Path
) -> None:
    done = run(c_library, program, tmp_path, MEMLYZE_PROGRAM_OUTPUT="no/such/folder/t.mlyze")
    assert (done.returncode, done.stdout) == (3, "done\n" * 2)
    (line,) = done.stderr.splitlines()
    assert "no/such/folder/t.mlyze" in line


OWN_MALLOC = """
#include <stddef.h>
#include <string.h>
static char heap[64 << 20], *next = heap;
static int calls;
void *malloc(size_t size)
{
    size_t *block = (size_t *)next;
    *block = size;
    next += (size + 31) & ~(size_t)15;
    calls++;
    return block + 2;
}
void free(void *block) { (void)block; }
void *calloc(size_t count, size_t size) { return malloc(count * size); }
void *realloc(void *block, size_t size)
{
    void *moved = malloc(size);
    if (block)
        memcpy(moved, block, ((size_t *)block)[-2] < size ? ((size_t *)block)[-2] : size);
    return moved;
}
void *have(size_t size);
int main(void)
{
    const int before = calls;
    have(5003);
    have(5004);
    return calls - before;
}
"""


def test_program_with_a_malloc_of_its_own_keeps_it_and_is_recorded(
    c_library: CLibrary, tmp_path: Path
) -> None:
    """Its malloc is found before the shim's: then the libraries are patched."""
    (tmp_path / "library.c").write_text(
        "#include <stdlib.h>\nvoid *have(size_t size) { return malloc(size); }"
    )
    (tmp_path / "p.c").write_text(OWN_MALLOC)
    library = c_library.compile(tmp_path / "library.c", tmp_path / "library.so", "-shared", "-fPIC")
    program = c_library.compile(
        tmp_path / "p.c", tmp_path / "p", "-rdynamic", "-fno-builtin", str(library)
    )
    variables = {"MEMLYZE_PROGRAM_OUTPUT": "t.mlyze", "MEMLYZE_SAMPLE_RATE": "1"}
    done = run(c_library, program, tmp_path, **variables)
    assert (done.returncode, done.stderr) == (2, "")
    trace = Trace(tmp_path / "t.mlyze")
    assert [row.size for row in trace.allocations(5003, 5004)] == [5003, 5004]
    trace.check_sound()


def test_recorder_that_cannot_be_loaded_is_named_and_the_program_runs(
    c_library: CLibrary, program: Path, tmp_path: Path
) -> None:
    """The shim alone, without what belongs beside it."""
    shim = tmp_path / "shim.so"
    shim.write_bytes(c_library.shim.read_bytes())
    done = run(c_library._replace(shim=shim), program, tmp_path, MEMLYZE_PROGRAM_OUTPUT="t.mlyze")
    assert (done.returncode, done.stdout) == (3, "done\n" * 2)
    assert all(
        "memlyze: the program is not recorded" in line and "_program_recorder.so" in line
        for line in done.stderr.splitlines()
    )
    assert done.stderr
