"""One BytesIO serves all requests, and is written on without being rewound."""

from __future__ import annotations

import io

SCRATCH = io.BytesIO()


def render(number):
    start = SCRATCH.tell()
    SCRATCH.write(b"<html>" + b"body " * 200 + b"</html>")  # leaks
    return SCRATCH.tell() - start


for number in range(120_000):
    render(number)
    [str(value) for value in range(50)]
