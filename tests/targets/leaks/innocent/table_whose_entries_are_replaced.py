"""A table of customers fills up; later visits replace what is in the baskets."""

from __future__ import annotations

SESSIONS = {}
CUSTOMERS = 1_500


def visit(customer, number):
    session = SESSIONS.get(customer)
    if session is None:
        basket = [f"sku-{customer}-{place}" for place in range(20)]
        session = SESSIONS[customer] = {"visits": 0, "basket": basket}
    session["visits"] += 1
    session["basket"][number * 7 % 20] = f"sku-{customer}-{number}"


for number in range(26_000):
    visit(number * 1_009 % CUSTOMERS, number)
    sum(range(1_000))
