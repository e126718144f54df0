"""A shop's API with three habits: a cache that is bounded, a report that spikes, and a leak.

- ``GET /products/{number}`` answers from a cache of the 500 products used last.
- ``GET /reports/sales`` builds a large report and forgets it.
- ``POST /orders`` takes an order, and subscribes it to what becomes of its delivery. Nobody ever
  unsubscribes, and each subscriber keeps its order alive: that is the leak.

    pip install ".[fastapi]"
    uvicorn --app-dir examples/fastapi_shop shop:app

docs/walkthrough.md finds all three.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from typing import Any, Callable

from fastapi import FastAPI

from memlyze.integrations.asgi import MemlyzeMiddleware

CACHED_PRODUCTS = 500


class ProductCache:
    """The products used last."""

    def __init__(self) -> None:
        self._products: OrderedDict[int, dict[str, Any]] = OrderedDict()

    def get(self, number: int) -> dict[str, Any]:
        product = self._products.pop(number, None)
        if product is None:
            product = load_product(number)
        self._products[number] = product
        if len(self._products) > CACHED_PRODUCTS:
            self._products.popitem(last=False)
        return product


def load_product(number: int) -> dict[str, Any]:
    """As a database would: a product, and the long text that describes it."""
    return {"number": number, "name": f"product {number}", "text": f"{number} " * 8000}


class Deliveries:
    """Tells subscribers what becomes of deliveries."""

    def __init__(self) -> None:
        self._subscribers: list[Callable[[str], None]] = []

    def subscribe(self, subscriber: Callable[[str], None]) -> None:
        self._subscribers.append(subscriber)

    def tell(self, news: str) -> None:
        for subscriber in self._subscribers[-1:]:
            subscriber(news)


class Order:
    def __init__(self) -> None:
        self.lines = [f"line {number} of an order" for number in range(300)]
        self.news: list[str] = []

    def on_delivery(self, news: str) -> None:
        self.news.append(news)


cache = ProductCache()
deliveries = Deliveries()

app = FastAPI()
app.add_middleware(MemlyzeMiddleware)


@app.get("/products/{number}")
async def product(number: int) -> Any:
    found = cache.get(number)
    return {"name": found["name"], "characters": len(found["text"])}


@app.post("/orders")
async def place_order() -> Any:
    order = Order()
    deliveries.subscribe(order.on_delivery)  # never undone
    deliveries.tell("on its way")
    return {"lines": len(order.lines)}


@app.get("/reports/sales")
async def sales() -> Any:
    rows = [{"row": row, "total": row * 1.5, "text": f"row {row}"} for row in range(60_000)]
    return {"characters": len(json.dumps(rows))}
