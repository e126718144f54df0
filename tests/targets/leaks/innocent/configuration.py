"""A large table is loaded at the start, and stays."""

from __future__ import annotations


def load():
    return {f"key-{n}": {"value": n, "unit": f"unit {n % 7}"} for n in range(60_000)}


TABLE = load()


def handle(number):
    row = TABLE[f"key-{number % 60_000}"]
    return [str(row["value"] + n) for n in range(40)]


for number in range(80_000):
    handle(number)
