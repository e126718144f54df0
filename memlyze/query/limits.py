"""How much memory DuckDB may use before it spills to disk, and where to."""

from __future__ import annotations

import os
import tempfile
import typing

_CGROUP_LIMITS = (
    "/sys/fs/cgroup/memory.max",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes",
)
_LEAST_BYTES = 256 << 20


class Bounds(typing.NamedTuple):
    """What queries may take, where that is not left to the machine."""

    memory_bytes: int
    spill_bytes: int
    """Of temporary files."""


def memory_limit_bytes() -> int:
    """Half of what the machine or the container has, and at least 256 MiB.

    The other half is for the decoded columns, which DuckDB reads in place and does not count.
    """
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for path in _CGROUP_LIMITS:
        try:
            with open(path, encoding="ascii") as file:
                total = min(total, int(file.read()))
        except (OSError, ValueError):  # no such cgroup version, or "max"
            continue
    return max(total // 2, _LEAST_BYTES)


def make_spill_directory() -> str | None:
    """A new private directory for what does not fit into memory; None: no place can be written
    to.
    """
    try:
        return tempfile.mkdtemp(prefix="memlyze-")
    except OSError:
        return None
