"""A weak cache holds what others hold; these are the last thousand requests."""

from __future__ import annotations

import weakref
from collections import deque

CACHE = weakref.WeakValueDictionary()
IN_FLIGHT = deque(maxlen=3_000)


class Document:
    def __init__(self, key):
        self.key = key
        self.lines = [f"{key} {n}" for n in range(20)]


def get(key):
    document = CACHE.get(key)
    if document is None:
        document = CACHE[key] = Document(key)
    IN_FLIGHT.append(document)
    return document


for number in range(75_000):
    get(number // 2)
