"""Trees with cycles that only the collector frees."""

from __future__ import annotations


class Element:
    def __init__(self, parent, tag):
        self.parent = parent
        self.tag = tag
        self.children = []
        if parent is not None:
            parent.children.append(self)


def parse(number):
    root = Element(None, "root")
    for n in range(30):
        item = Element(root, f"item {n}")
        Element(item, f"text {number}")
    return len(root.children)


for number in range(3_000):
    parse(number)
