"""Entries expire when they are old, whether they are asked for or not."""

from __future__ import annotations

from collections import OrderedDict

ENTRIES = OrderedDict()


def put(now, key):
    ENTRIES[key] = (now + 6_000, [f"{key}:{n}" for n in range(15)])
    while ENTRIES:
        oldest = next(iter(ENTRIES))
        if ENTRIES[oldest][0] > now:
            break
        del ENTRIES[oldest]


for now in range(160_000):
    put(now, f"key-{now}")
