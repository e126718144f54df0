"""A trie is built from words in the first part; look-ups follow."""

from __future__ import annotations

import random

DRAW = random.Random(1)
ROOT = {}


def insert(word):
    node = ROOT
    for letter in word:
        node = node.setdefault(letter, {})


def lookup(word):
    node = ROOT
    for letter in word:
        node = node.get(letter)
        if node is None:
            return []
    return [word + letter for letter in node]


WORDS = ["".join(DRAW.choice("abcdefgh") for _ in range(7)) for _ in range(12_000)]
for word in WORDS:
    insert(word)
for _ in range(15):
    for word in WORDS:
        lookup(word[:4])
