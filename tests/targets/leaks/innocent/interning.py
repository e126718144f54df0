"""Words are interned; there are only so many."""

from __future__ import annotations

import sys

KNOWN = {}


def read(number):
    words = []
    for n in range(60):
        word = sys.intern(f"a-fairly-long-word-of-the-vocabulary-{(number * 31 + n * 7) % 30_000}")
        KNOWN[word] = KNOWN.get(word, 0) + 1
        words.append(word)
    return len(words)


for number in range(16_000):
    read(number)
