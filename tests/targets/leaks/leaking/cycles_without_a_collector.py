"""Trees with links to their parents, where the collector was switched off for speed."""

from __future__ import annotations

import gc

gc.disable()


class Node:
    def __init__(self, parent, label):
        self.parent = parent  # leaks
        self.label = label
        self.children = []  # leaks


def build(number):
    root = Node(None, f"root {number}")  # leaks
    for n in range(8):
        root.children.append(Node(root, f"child {n} of {number}"))  # leaks
    return len(root.children)


for number in range(8_000):
    build(number)
