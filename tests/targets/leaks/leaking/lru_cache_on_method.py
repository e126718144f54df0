"""An unbounded cache on a method keeps every object that the method was called on."""

from __future__ import annotations

from functools import lru_cache


class Order:
    def __init__(self, number):
        self.number = number
        self.lines = [{"sku": number * 7 + line, "count": line} for line in range(5)]  # leaks

    @lru_cache(maxsize=None)
    def total(self):
        return sum(line["count"] for line in self.lines)


def handle(number):
    order = Order(number)
    return order.total()


for number in range(80_000):
    handle(number)
