"""Four threads that each allocate, and free what another one allocated."""

from __future__ import annotations

import queue
import threading

import pyperf

THREADS = 4
BATCHES = 40
BATCH_SIZE = 500


def work(inbox: queue.Queue[list[object]], outbox: queue.Queue[list[object]]) -> None:
    for batch in range(BATCHES):
        outbox.put([{"batch": batch, "text": str(i), "value": i * 1.5} for i in range(BATCH_SIZE)])
        inbox.get().clear()


def ring_of_threads() -> None:
    queues: list[queue.Queue[list[object]]] = [queue.Queue() for _ in range(THREADS)]
    threads = [
        threading.Thread(target=work, args=(queues[i], queues[(i + 1) % THREADS]))
        for i in range(THREADS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    pyperf.Runner().bench_func("allocation_threads", ring_of_threads)
