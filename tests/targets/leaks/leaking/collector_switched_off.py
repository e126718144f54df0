"""The collector was switched off for speed, and requests leave cycles behind."""

from __future__ import annotations

import gc

gc.disable()


class Node:
    def __init__(self, number):
        self.values = [number] * 30  # leaks
        self.parent = None
        self.child = None


def handle(number):
    parent, child = Node(number), Node(-number)
    parent.child, child.parent = child, parent
    return len(parent.values)


for number in range(120_000):
    handle(number)
