"""A metric has a label for the user, so each user gets counters of their own."""

from __future__ import annotations


class Counter:
    def __init__(self):
        self.children = {}

    def labels(self, **labels):
        key = tuple(sorted(labels.items()))  # leaks
        if key not in self.children:
            self.children[key] = [0] * 60  # leaks
        return self.children[key]


REQUESTS = Counter()
for number in range(75_000):
    child = REQUESTS.labels(path="/item", user=f"user-{number}")  # leaks
    child[0] += 1
