"""An object mapper keeps every row that it has ever loaded."""

from __future__ import annotations


class Row:
    def __init__(self, key, columns):
        self.key = key
        self.columns = columns


class Session:
    def __init__(self):
        self.identity_map = {}

    def get(self, key):
        if key not in self.identity_map:
            columns = {f"column_{n}": key * n for n in range(12)}  # leaks
            self.identity_map[key] = Row(key, columns)  # leaks
        return self.identity_map[key]


SESSION = Session()
for number in range(50_000):
    SESSION.get(number * 31 + 1_000_000)
    SESSION.get((number // 2) * 31 + 1_000_000)
