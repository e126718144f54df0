"""A producer is faster than the consumer, and the queue between them has no bound."""

from __future__ import annotations

from collections import deque

QUEUE = deque()


def produce(number):
    QUEUE.append({"number": number, "payload": [number] * 30})  # leaks


def consume():
    job = QUEUE.popleft()
    return len(job["payload"])


for number in range(240_000):
    produce(number)
    if number % 3:
        consume()
