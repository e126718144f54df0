"""Each worker of a pool has a scratch buffer that it uses again and again."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

LOCAL = threading.local()


def work(number):
    if not hasattr(LOCAL, "scratch"):
        LOCAL.scratch = bytearray(4 << 20)
    LOCAL.scratch[number % 1000] = number % 256
    return [str(n) for n in range(60)]


POOL = ThreadPoolExecutor(max_workers=4)
for first in range(0, 30_000, 500):
    list(POOL.map(work, range(first, first + 500)))
