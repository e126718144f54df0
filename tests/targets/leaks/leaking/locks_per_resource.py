"""A lock for each name that was ever asked for."""

from __future__ import annotations

import threading

LOCKS = {}


class Guard:
    def __init__(self, name):
        self.lock = threading.Lock()  # leaks
        self.name = name
        self.waiters = []  # leaks


def guard(name):
    if name not in LOCKS:
        LOCKS[name] = Guard(name)  # leaks
    return LOCKS[name]


def handle(number):
    held = guard(f"document-{number}")  # leaks
    with held.lock:
        return [str(n) for n in range(80)]


for number in range(25_000):
    handle(number)
