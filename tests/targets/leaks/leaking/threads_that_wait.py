"""Workers that wait for work which never comes, with their buffers."""

from __future__ import annotations

import threading
import time

STOP = threading.Event()


def worker():
    buffer = [bytes(200) for _ in range(100)]  # leaks
    STOP.wait()
    return buffer


for _ in range(250):
    threading.Thread(target=worker, daemon=True).start()
    time.sleep(0.008)
