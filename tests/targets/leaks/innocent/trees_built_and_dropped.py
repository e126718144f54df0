"""Trees are built, measured and dropped."""

from __future__ import annotations


def build(depth):
    return (build(depth - 1), build(depth - 1)) if depth else ()


def count(tree):
    return 1 + sum(map(count, tree))


KEPT = build(15)
for number in range(36):
    count(build(14))
