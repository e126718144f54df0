"""CPython's line tables in plain Python: part of the reference decoder.

All three say, for ranges of the bytecode, which line they come from. Where a table has no line for
an instruction, or breaks off before it, the function's first line is shown.
"""

from __future__ import annotations

from typing import Iterator, Optional, Tuple

from memlyze.trace import format as fmt

Range = Tuple[float, Optional[int]]
"""End of a range in bytes of code (the first begins at 0, each other where the last ends), line."""

_NO_LINE_STEP = -128
_ONE_LINE_CODES = (10, 11, 12)
_NO_COLUMNS = 13
_LONG = 14
_NO_LOCATION = 15


def line_of(kind: int, table: bytes, first_line: int, instruction: int) -> int:
    """The line of the instruction at a byte offset."""
    read = {
        fmt.LINE_TABLE_LNOTAB: _lnotab,
        fmt.LINE_TABLE_PEP_626: _pep_626,
        fmt.LINE_TABLE_LOCATIONS: _locations,
    }.get(kind)
    if read is not None and instruction >= 0:
        for end, line in read(table, first_line):
            if instruction < end:
                return line if line is not None and 1 <= line <= fmt.ID_MAX else first_line
    return first_line


def _signed(byte: int) -> int:
    return byte - 256 if byte >= 128 else byte


def _lnotab(table: bytes, line: int) -> Iterator[Range]:
    """CPython up to 3.9: pairs of (bytes of code, lines); the line changes after the code."""
    end = 0
    for size, step in zip(table[::2], table[1::2]):
        end += size
        yield end, line
        line += _signed(step)
    yield float("inf"), line


def _pep_626(table: bytes, line: int) -> Iterator[Range]:
    """CPython 3.10: pairs of (bytes of code, lines); the line changes before the code."""
    end = 0
    for size, step in zip(table[::2], table[1::2]):
        end += size
        if _signed(step) == _NO_LINE_STEP:
            yield end, None
        else:
            line += _signed(step)
            yield end, line


def _locations(table: bytes, line: int) -> Iterator[Range]:
    """CPython 3.11 and later: entries that begin with a byte whose highest bit is set."""
    end = at = 0
    while at < len(table) and table[at] & 0x80:
        code = table[at] >> 3 & 15
        size = 2 * ((table[at] & 7) + 1)
        at += 1
        if code in (_NO_COLUMNS, _LONG):
            step, at = _read_step(table, at)
            if step is None:
                return
            line += step
        elif code in _ONE_LINE_CODES:
            line += code - _ONE_LINE_CODES[0]
        end += size
        yield end, None if code == _NO_LOCATION else line
        while at < len(table) and not table[at] & 0x80:
            at += 1


def _read_step(table: bytes, at: int) -> tuple[int | None, int]:
    """A signed number in chunks of six bits; None where it breaks off or is too long."""
    value = 0
    for shift in range(0, 36, 6):
        if at == len(table):
            return None, at
        chunk = table[at]
        at += 1
        value |= (chunk & 63) << shift
        if not chunk & 64:
            return (-(value >> 1) if value & 1 else value >> 1), at
    return None, at
