"""The collector's threshold was raised, so that cycles wait for long."""

from __future__ import annotations

import gc

gc.set_threshold(60_000, 5, 5)


class Node:
    def __init__(self, number):
        self.values = [number] * 60
        self.parent = None
        self.child = None


def handle(number):
    parent, child = Node(number), Node(-number)
    parent.child, child.parent = child, parent
    return len(parent.values)


for number in range(200_000):
    handle(number)
