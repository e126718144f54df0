"""A bounded cache of pages, full after half of the run; later its table doubles once more."""

from __future__ import annotations

import collections

CACHE = collections.OrderedDict()
LIMIT = 400


def render(page):
    return "".join(f"<li>{page}:{number}</li>" for number in range(100))


def get(page):
    if page in CACHE:
        CACHE.move_to_end(page)
        return CACHE[page]
    CACHE[page] = render(page)
    if len(CACHE) > LIMIT:
        CACHE.popitem(last=False)
    return CACHE[page]


for number in range(1000, 1000 + 2 * LIMIT):
    get(number)
    get(max(1000, number - 3))
    sum(n * n for n in range(10_000))
