"""The shim records a program that has no Python, when the environment asks for it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from native_programs import SHIM, build
from recorded import Trace

HERE = Path(__file__).parent

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


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if not compiler:
        pytest.skip("no C compiler")
    folder = tmp_path_factory.mktemp("program")
    source = PROGRAM.replace("pid_t child = fork();", "pid_t child = count > 1 ? fork() : 1;")
    (folder / "p.c").write_text(source)
    subprocess.run([compiler, "-O1", "-pthread", "-o", folder / "p", folder / "p.c"], check=True)
    return folder / "p"


def run(program: Path, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program, "and", "a child"],
        cwd=folder,
        env={"LD_PRELOAD": str(SHIM), **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_program_without_python_is_recorded_to_the_byte(program: Path, tmp_path: Path) -> None:
    done = run(program, tmp_path, MEMLYZE_PROGRAM_OUTPUT="{pid}.mlyze", MEMLYZE_SAMPLE_RATE="1.0")
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


def test_program_is_not_touched_unless_it_is_asked_for(program: Path, tmp_path: Path) -> None:
    done = run(program, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (3, "done\n" * 2, "")
    assert not list(tmp_path.iterdir())


def test_wrong_option_is_named_and_the_program_runs(program: Path, tmp_path: Path) -> None:
    done = run(program, tmp_path, MEMLYZE_PROGRAM_OUTPUT="t.mlyze", MEMLYZE_SAMPLE_RATE="often")
    assert (done.returncode, done.stdout) == (3, "done\n" * 2)
    (line,) = done.stderr.splitlines()
    assert "MEMLYZE_SAMPLE_RATE must be a number from 0.0 to 1.0" in line


def test_trace_that_cannot_be_written_is_named_and_the_program_runs(
    program: Path, tmp_path: Path
) -> None:
    done = run(program, tmp_path, MEMLYZE_PROGRAM_OUTPUT="no/such/folder/t.mlyze")
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


def test_program_with_a_malloc_of_its_own_keeps_it_and_is_recorded(tmp_path: Path) -> None:
    """Its malloc is found before the shim's: then the libraries are patched."""
    library = build(HERE / "native_memory.c", tmp_path / "library.so")
    (tmp_path / "p.c").write_text(OWN_MALLOC)
    subprocess.run(
        ["cc", "-O1", "-rdynamic", "-fno-builtin", "-o", "p", "p.c", str(library)],
        cwd=tmp_path,
        check=True,
    )
    done = run(tmp_path / "p", tmp_path, MEMLYZE_PROGRAM_OUTPUT="t.mlyze", MEMLYZE_SAMPLE_RATE="1")
    assert (done.returncode, done.stderr) == (2, "")
    trace = Trace(tmp_path / "t.mlyze")
    assert [row.size for row in trace.allocations(5003, 5004)] == [5003, 5004]
    trace.check_sound()
