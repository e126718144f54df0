"""What stands in the way of recording a program, as far as its file tells.

The recorder comes into a program by its environment: what the dynamic loader puts in front of its
libraries, and what Python imports at its start. Not every program reads it.
"""

from __future__ import annotations

import os
import shutil
import stat
import struct
import sys
import typing

_MACHINES = {3: "x86", 40: "arm", 62: "x86-64", 183: "aarch64", 243: "riscv", 21: "ppc64"}
_PROGRAM_INTERPRETER = 3


class Elf(typing.NamedTuple):
    """What matters of an executable."""

    bits: int
    machine: int
    interpreter: str | None
    """The dynamic loader; None: it is linked statically."""


def obstacle(path: str) -> str | None:
    """Why the dynamic loader cannot put a library in front of the program at `path`; None: it can.

    For a script that is its interpreter's matter.
    """
    path = _program_of(path)
    ours, elf = read_elf(sys.executable), read_elf(path)
    if ours is None or elf is None:  # not Linux, or not to be read
        return None
    if (elf.bits, elf.machine) != (ours.bits, ours.machine):
        return f"{path} is built for {_architecture(elf)}, this memlyze for {_architecture(ours)}"
    if elf.interpreter is None:
        return f"{path} is linked statically, so nothing can be put in front of its malloc"
    if _gains_rights(path):
        return (
            f"{path} is set-uid or has file capabilities, so the dynamic loader lets nothing be "
            "put in front of its malloc"
        )
    if elf.interpreter != ours.interpreter and os.path.realpath(
        elf.interpreter
    ) != os.path.realpath(ours.interpreter or ""):
        return f"{path} uses another C library ({elf.interpreter}) than this memlyze"
    return None


def read_elf(path: str) -> Elf | None:
    """None: it cannot be read, or is no ELF file."""
    try:
        with open(path, "rb") as file:
            head = file.read(64)
            if len(head) < 52 or head[:4] != b"\x7fELF":
                return None
            bits = 64 if head[4] == 2 else 32
            order = ">" if head[5] == 2 else "<"
            machine = struct.unpack_from(order + "H", head, 18)[0]
            where, size_at = (32, 54) if bits == 64 else (28, 42)
            offset = struct.unpack_from(order + ("Q" if bits == 64 else "I"), head, where)[0]
            size, count = struct.unpack_from(order + "HH", head, size_at)
            file.seek(offset)
            table = file.read(size * count)
            for start in range(0, len(table) - size + 1, max(size, 1)):
                if struct.unpack_from(order + "I", table, start)[0] != _PROGRAM_INTERPRETER:
                    continue
                place = (start + 8, "QQQQ") if bits == 64 else (start + 4, "IIII")
                position, _, _, length = struct.unpack_from(order + place[1], table, place[0])
                file.seek(position)
                return Elf(bits, machine, os.fsdecode(file.read(min(length, 4096)).rstrip(b"\0")))
            return Elf(bits, machine, None)
    except (OSError, struct.error):
        return None


def _architecture(elf: Elf) -> str:
    return _MACHINES.get(elf.machine, f"machine {elf.machine}") + f" ({elf.bits} bit)"


def _program_of(path: str) -> str:
    """The program that runs `path`: of a script, its interpreter."""
    try:
        with open(path, "rb") as file:
            line = file.readline(256)
    except OSError:
        return path
    if not line.startswith(b"#!"):
        return path
    words = os.fsdecode(line[2:]).split()
    if words and os.path.basename(words[0]) == "env":
        words = [word for word in words[1:] if not word.startswith("-") and "=" not in word]
    found = shutil.which(words[0]) if words else None
    return found or path


def _gains_rights(path: str) -> bool:
    """Whether the program runs with more rights than who starts it."""
    try:
        status = os.stat(path)
    except OSError:
        return False
    mode = status.st_mode
    if mode & stat.S_ISUID and status.st_uid != os.geteuid():
        return True
    # Without leave for the group to execute, the bit means something else.
    if mode & stat.S_ISGID and mode & stat.S_IXGRP and status.st_gid != os.getegid():
        return True
    if os.geteuid() == 0:
        return False
    try:
        return bool(os.getxattr(path, "security.capability"))
    except OSError:
        return False
