"""A leak beside a bounded cache that takes most of the run to fill."""

from __future__ import annotations

from collections import OrderedDict

CACHE = OrderedDict()
VISITS = {}


def load(key):
    if key not in CACHE:
        CACHE[key] = bytes(3000)
        if len(CACHE) > 5_000:
            CACHE.popitem(last=False)
    return CACHE[key]


def visit(number):
    VISITS[number] = {"page": f"/page/{number}", "referrer": f"/from/{number}" * 30}  # leaks


for number in range(160_000):
    load(number // 4)
    visit(number)
