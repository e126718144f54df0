"""A batch job which builds one result, writes it and ends."""

from __future__ import annotations

import json


def load(count):
    for n in range(count):
        yield {"id": n, "name": f"item {n}", "price": n * 0.25}


def summarise(records):
    result = {}
    for record in records:
        result[record["id"]] = {"name": record["name"], "gross": record["price"] * 1.2}
    return result


RESULT = summarise(load(60_000))
TEXT = json.dumps(RESULT)
print(len(TEXT))
