"""C code takes a reference and never gives it back."""

from __future__ import annotations

import ctypes

take_reference = ctypes.pythonapi.Py_IncRef
take_reference.argtypes = [ctypes.py_object]


def convert(number):
    result = [number + step for step in range(150)]  # leaks
    take_reference(result)
    return len(result)


for number in range(15_000):
    convert(number + 1000)
