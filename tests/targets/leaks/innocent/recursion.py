"""Deep recursion with data in each frame, over and over."""

from __future__ import annotations

import sys

sys.setrecursionlimit(5_000)


def solve(depth, path):
    options = [(depth, n) for n in range(10)]
    if depth == 0:
        return len(path)
    return solve(depth - 1, [*path, options[0]])


for turn in range(40):
    solve(60 + turn * 5, [])
