"""A queue with a maximum size, slow at the start."""

from __future__ import annotations

import queue
import threading

JOBS = queue.Queue(maxsize=500)


def work():
    while True:
        job = JOBS.get()
        if job is None:
            return
        sum(job["rows"])


workers = [threading.Thread(target=work) for _ in range(2)]
for worker in workers:
    worker.start()
for number in range(15_000):
    JOBS.put({"number": number, "rows": [number + n for n in range(100)]})
for _ in workers:
    JOBS.put(None)
for worker in workers:
    worker.join()
