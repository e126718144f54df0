"""Workers of a pool collect into a thread-local list that nobody empties."""

from __future__ import annotations

import queue
import threading

LOCAL = threading.local()


def work(number):
    if not hasattr(LOCAL, "seen"):
        LOCAL.seen = []
    text = f"job {number} " * 100  # leaks
    LOCAL.seen.append(text)
    return len(text)


def run():
    while True:
        number = JOBS.get()
        work(number)
        JOBS.task_done()


JOBS = queue.Queue(maxsize=100)
for _ in range(3):
    threading.Thread(target=run, daemon=True).start()
for number in range(30_000):
    JOBS.put(number)
JOBS.join()
