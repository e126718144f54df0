"""Four threads append to one list, under a lock."""

from __future__ import annotations

import threading

LOCK = threading.Lock()
EVENTS = []


def work(name):
    for number in range(8_000):
        event = {"who": name, "what": f"{name} did {number}"}  # leaks
        with LOCK:
            EVENTS.append(event)
        [n * number for n in range(60)]


THREADS = [threading.Thread(target=work, args=(f"worker {n}",)) for n in range(4)]
for thread in THREADS:
    thread.start()
for thread in THREADS:
    thread.join()
