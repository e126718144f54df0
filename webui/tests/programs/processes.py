"""A program of two processes, the second with work of its own."""

from __future__ import annotations

import multiprocessing


def work_of_child():
    kept = [bytearray(50_000) for _ in range(100)]
    return len(kept)


if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    child = context.Process(target=work_of_child)
    child.start()
    child.join()
