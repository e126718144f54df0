"""Writes what this interpreter's line tables say, one line of `line_tables.json`.

Runs on CPython 3.8 and later. `line_tables.json` is the list of what they all write.
"""

from __future__ import annotations

import dis
import json
import sys

SOURCE = (
    '''
import contextlib


def plain(a, b):
    c = a + b
    return c


def many_lines(items):
    total = sum(
        len(item)
        for item in items
        if item
    )
    result = call(
        1,
        (lambda: 2)(),
        other(
            3,
        ),
        total,
    )



    try:
        with open(result) as file:
            for line in file:
                if line: continue
                yield line
    except (OSError,
            ValueError) as error:
        raise RuntimeError(
            "x",
            error,
        ) from error
    finally:
        print(
            total
        )


class Thing:
    @property
    def name(self):
        """Documented."""
        return [
            part
            for part in self.parts
            if part
        ][
            0
        ]

    async def fetch(self):
        async with self.session() as s:
            return await s.get(
                self.url
            )
'''
    + "\n" * 300
    + """
def far(x): return {
    "a": x,
    **x
}
"""
)


def codes(code):
    yield code
    for constant in code.co_consts:
        if hasattr(constant, "co_code"):
            yield from codes(constant)


def lines_of(code):
    """Line of each instruction as the interpreter itself says; null: none."""
    size = len(code.co_code)
    if hasattr(code, "co_lines"):
        lines = [None] * size
        for start, end, line in code.co_lines():
            lines[start:end] = [line] * (end - start)
        return lines[::2]
    starts = dict(dis.findlinestarts(code))
    lines = []
    line = code.co_firstlineno
    for offset in range(0, size, 2):
        line = starts.get(offset, line)
        lines.append(line)
    return lines


def main():
    version = sys.version_info[:2]
    kind = 1 if version <= (3, 9) else 2 if version == (3, 10) else 3
    cases = []
    for code in codes(compile(SOURCE, "sample.py", "exec")):
        table = code.co_lnotab if kind == 1 else code.co_linetable
        cases.append(
            {
                "name": code.co_name,
                "first_line": code.co_firstlineno,
                "table": table.hex(),
                "lines": lines_of(code),
            }
        )
    print(json.dumps({"python": "{}.{}".format(*version), "kind": kind, "codes": cases}))


if __name__ == "__main__":
    main()
