"""A loop that does nothing but allocate: rounds of 20 000 small objects that live together."""

from __future__ import annotations

import pyperf


class Pair:
    """Two references, without a dictionary."""

    __slots__ = ("left", "right")

    def __init__(self, left: object, right: object) -> None:
        self.left = left
        self.right = right


def allocate(rounds: int = 6) -> int:
    count = 0
    for _ in range(rounds):
        pairs = [Pair(i * 1000, (i, str(i))) for i in range(20_000)]
        count += len(pairs)
    return count


if __name__ == "__main__":
    pyperf.Runner().bench_func("allocation_loop", allocate)
