"""Requests leave cycles behind, which the collector frees now and then."""

from __future__ import annotations


class Node:
    def __init__(self, number):
        self.values = [number + n for n in range(30)]
        self.parent = None
        self.child = None


def handle(number):
    parent, child = Node(number), Node(-number)
    parent.child, child.parent = child, parent
    return len(parent.values)


for number in range(90_000):
    handle(number + 1000)
