"""An allocator that is built into a library under names of its own cannot be seen, and is named."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from native_programs import build

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux alone")

SOURCE = """
#include <stddef.h>
#include <sys/mman.h>
const char *message(void) { return "%s"; }
void *have(size_t size) { return %s; }
"""
MAPS = "mmap(0, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)"


def allocators_of(record: Any, library: Path, **options: Any) -> Any:
    done = record(f"import ctypes; ctypes.CDLL({str(library)!r})", **options)
    return done.trace.metadata.get("invisible_allocators")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("jemalloc", "<jemalloc>: Error in munmap()"),
        ("mimalloc", "mimalloc: error: "),
        ("tcmalloc", "TCMALLOC_SAMPLE_PARAMETER"),
    ],
)
def test_library_with_an_allocator_of_its_own_is_named(
    record: Any, tmp_path: Path, name: str, text: str
) -> None:
    (tmp_path / "p.c").write_text(SOURCE % (text, MAPS))
    library = build(tmp_path / "p.c", tmp_path / "own.so", "-s")
    assert allocators_of(record, library) == [{"name": name, "file": str(library)}]


def test_library_that_only_speaks_of_one_is_not_named(record: Any, tmp_path: Path) -> None:
    (tmp_path / "p.c").write_text(SOURCE % ("<jemalloc>: Error in munmap()", "0"))
    library = build(tmp_path / "p.c", tmp_path / "talk.so")
    assert allocators_of(record, library) is None


def test_nothing_is_named_where_native_memory_is_not_asked_for(record: Any, tmp_path: Path) -> None:
    (tmp_path / "p.c").write_text(SOURCE % ("<jemalloc>: Error in munmap()", MAPS))
    library = build(tmp_path / "p.c", tmp_path / "own.so")
    assert allocators_of(record, library, native=False) is None
