"""A consumer falls behind, and catches up."""

from __future__ import annotations

import queue
import threading
import time

JOBS = queue.Queue()


def consume():
    count = 0
    while True:
        job = JOBS.get()
        if job is None:
            return
        count += 1
        if count < 400:
            time.sleep(0.002)


consumer = threading.Thread(target=consume)
consumer.start()
for number in range(3_000):
    JOBS.put({"number": number, "payload": bytes(1_500)})
    time.sleep(0.0008 if number < 1_000 else 0.0003)
JOBS.put(None)
consumer.join()
