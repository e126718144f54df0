"""Something like a service at work, for traces that are queried: documents, records, text, a cache.

A call makes some 100 000 allocations of many sizes on some hundreds of stacks; about every tenth
outlives the call. Each request is a window.
"""

from __future__ import annotations

import collections
import json
import random

import pyperf

import memlyze

REQUESTS = 50
CACHE_SIZE = 2_000
ROUTES = ("/documents", "/documents/{id}", "/rows", "/search")

choices = random.Random(1)
cache: collections.OrderedDict[str, object] = collections.OrderedDict()


class Record:
    """A parsed row."""

    def __init__(self, number: int, fields: list[str]) -> None:
        self.number = number
        self.fields = fields
        self.total = sum(len(field) * 1.5 for field in fields)


def parse(text: str) -> list[Record]:
    return [Record(i, line.split(",")) for i, line in enumerate(text.splitlines())]


def group(records: list[Record]) -> dict[str, list[float]]:
    groups: dict[str, list[float]] = {}
    for record in records:
        groups.setdefault(record.fields[record.number % 3], []).append(record.total * 1.25)
    return groups


def render(node: object, depth: int) -> str:
    if isinstance(node, dict):
        return "".join(f"<{key}>{render(value, depth + 1)}</{key}>" for key, value in node.items())
    if isinstance(node, list):
        return "".join(render(item, depth + 1) for item in node)
    return str(node)


def handle(number: int) -> str:
    lines = choices.randrange(20, 100)
    words = ["x" * choices.randrange(1, 200) for _ in range(20)]
    text = "\n".join(
        f"{choices.choice(words)},{choices.choice(words)},{i * number}" for i in range(lines)
    )
    records = parse(text)
    document = {
        "id": number,
        "groups": group(records),
        "rows": [{"name": record.fields[0], "total": record.total} for record in records],
    }
    body = json.dumps(document)
    again = json.loads(body)
    cache[f"request {number}"] = again
    while len(cache) > CACHE_SIZE:
        cache.popitem(last=False)
    return render(again, 0)


def serve(requests: int = REQUESTS) -> None:
    for number in range(requests):
        with memlyze.window(ROUTES[number % len(ROUTES)]):
            handle(number + 1000 * len(cache))


if __name__ == "__main__":
    pyperf.Runner().bench_func("service", serve)
