"""A third of the run builds an index, the rest asks it."""

from __future__ import annotations

INDEX = {}


def add(number):
    for token in (f"token-{number % 5000}", f"id-{number}"):
        INDEX.setdefault(token, []).append((number, f"document {number}"))


def ask(number):
    found = INDEX.get(f"token-{number % 5000}", [])
    return sorted(text for _, text in found)


for number in range(60_000):
    add(number)
for number in range(130_000):
    ask(number)
