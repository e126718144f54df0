"""Has the kernel refuse system calls to this process and its children, as containers do."""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import struct
import sys
from typing import Any

import pytest

NUMBERS = {
    "x86_64": {"unshare": 272, "statx": 332, "close_range": 436},
    "aarch64": {"unshare": 97, "statx": 291, "close_range": 436},
}
IS_POSSIBLE = sys.platform == "linux" and os.uname().machine in NUMBERS

_LOAD_NUMBER, _IS_EQUAL, _RETURN = 0x20, 0x15, 0x06  # instructions of classic BPF
_ALLOW, _FAIL = 0x7FFF0000, 0x00050000
_PR_SET_SECCOMP, _MODE_FILTER, _PR_SET_NO_NEW_PRIVS = 22, 2, 38


def refuse(*names: str) -> None:
    """Let these system calls fail with EPERM from now on."""
    instructions = [(_LOAD_NUMBER, 0, 0, 0)]
    for name in names:
        instructions += [
            (_IS_EQUAL, 0, 1, NUMBERS[os.uname().machine][name]),
            (_RETURN, 0, 0, _FAIL | errno.EPERM),
        ]
    instructions.append((_RETURN, 0, 0, _ALLOW))
    code = b"".join(struct.pack("HBBI", *instruction) for instruction in instructions)
    buffer = ctypes.create_string_buffer(code)
    program = struct.pack("HxxxxxxP", len(instructions), ctypes.addressof(buffer))
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    if prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or prctl(
        _PR_SET_SECCOMP, _MODE_FILTER, program, 0, 0
    ):
        raise OSError(ctypes.get_errno(), "cannot filter system calls")


#: The system calls that are refused, and with them ways to a descriptor table of our own.
REFUSED: dict[str, tuple[str, ...]] = {
    "own": (),
    "own, in a container": ("unshare",),
    "shared": ("unshare", "close_range"),
}


def popen(table: str) -> dict[str, Any]:
    """How a program is started that has, or has not, a table of its own for the helper thread."""
    refused = REFUSED[table]
    if table != "shared" and sys.platform != "linux":
        pytest.skip("only Linux has tables of threads")
    if refused and not IS_POSSIBLE:
        pytest.skip("system calls cannot be refused here")
    return {"preexec_fn": functools.partial(refuse, *refused)} if refused else {}
