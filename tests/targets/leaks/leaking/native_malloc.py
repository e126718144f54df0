"""A binding that allocates in C and forgets to free."""

from __future__ import annotations

import ctypes
import time

LIBC = ctypes.CDLL(None)
LIBC.malloc.restype = ctypes.c_void_p
LIBC.malloc.argtypes = [ctypes.c_size_t]
LIBC.free.argtypes = [ctypes.c_void_p]


def encode(size):
    scratch = LIBC.malloc(size * 4)
    result = LIBC.malloc(size)  # leaks
    ctypes.memset(result, 1, size)
    LIBC.free(scratch)
    return result


for number in range(4_000):
    encode(2_000 + number % 500)
    if number % 10 == 0:
        time.sleep(0.002)
