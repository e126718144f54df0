"""Where decoded columns live: in memory, or where that is too small, in temporary files."""

from __future__ import annotations

import contextlib
import mmap
import os
import tempfile
from typing import Any

import numpy as np

from memlyze.errors import TraceError

_CGROUP_FILES = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    (
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/sys/fs/cgroup/memory/memory.usage_in_bytes",
    ),
)
_UNKNOWN_AVAILABLE_BYTES = 2 << 30


def available_memory_bytes() -> int:
    """Memory that can be had without swapping, by the machine and by the container."""
    available = _UNKNOWN_AVAILABLE_BYTES
    with contextlib.suppress(OSError, ValueError, IndexError), open("/proc/meminfo", "rb") as file:
        for line in file:
            if line.startswith(b"MemAvailable:"):
                available = int(line.split()[1]) * 1024
    for limit_file, usage_file in _CGROUP_FILES:
        with contextlib.suppress(OSError, ValueError):  # no such version, or no limit ("max")
            left = _read_number(limit_file) - _read_number(usage_file)
            available = min(available, max(left, 0))
    return available


def _read_number(path: str) -> int:
    with open(path, encoding="ascii") as file:
        return int(file.read())


def default_temporary_directory() -> str:
    """`TMPDIR`, else a place that is on disk rather than in memory."""
    if not os.environ.get("TMPDIR") and os.access("/var/tmp", os.W_OK):
        return "/var/tmp"
    return tempfile.gettempdir()


def _reserve(descriptor: int, size: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
    else:  # macOS
        os.ftruncate(descriptor, size)


class Placement:
    """Allocates columns, of which one table has many and each has one value a row."""

    def __init__(self, memory_limit_bytes: int | None, temporary_directory: str | None) -> None:
        """Tables of more than `memory_limit_bytes` go to unlinked files in the directory.

        By default the limit is half of the memory that is available at that moment.
        """
        self._limit_bytes = memory_limit_bytes
        self._directory = temporary_directory

    def fits_memory(self, table_bytes: int) -> bool:
        """Whether a table of this size goes to memory."""
        limit = self._limit_bytes
        return table_bytes <= (available_memory_bytes() // 2 if limit is None else limit)

    def column(self, rows: int, dtype: Any, *, in_memory: bool) -> Any:
        """An uninitialised column.

        Raises TraceError where there is no room for it.
        """
        try:
            if in_memory:
                return np.empty(rows, dtype)
            return self._column_in_file(rows, np.dtype(dtype))
        except MemoryError:
            size = rows * np.dtype(dtype).itemsize
            raise TraceError(
                f"not enough memory for {size:,} bytes of decoded columns; "
                "free some, or read the trace on a larger machine"
            ) from None

    def _column_in_file(self, rows: int, dtype: np.dtype[Any]) -> Any:
        size = rows * dtype.itemsize
        if size == 0:
            return np.empty(0, dtype)
        directory = self._directory or default_temporary_directory()
        try:
            with tempfile.TemporaryFile(prefix="memlyze-", dir=directory) as file:
                # Room is reserved first: a full disk is then an error here, and no SIGBUS later.
                _reserve(file.fileno(), size)
                return np.frombuffer(mmap.mmap(file.fileno(), size), dtype)
        except OSError as error:
            raise TraceError(
                f"cannot reserve {size:,} bytes in {directory!r} for columns that do not fit into "
                f"memory: {error.strerror}; set TMPDIR to a directory with more room"
            ) from error
