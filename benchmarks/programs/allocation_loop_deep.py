"""The allocation loop, called under 60 frames of recursion."""

from __future__ import annotations

import pyperf
from allocation_loop import allocate

DEPTH = 60


def descend(depth: int) -> int:
    return allocate() if depth == 0 else descend(depth - 1)


if __name__ == "__main__":
    pyperf.Runner().bench_func("allocation_loop_deep", descend, DEPTH)
