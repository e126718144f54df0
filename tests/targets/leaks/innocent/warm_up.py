"""Templates are parsed at first use; the site has four hundred of them."""

from __future__ import annotations

import random

DRAW = random.Random(6)
PARSED = {}


def parse(name):
    return [(f"{name}.{n}", n, {"kind": "text", "value": str(n)}) for n in range(120)]


def render(name):
    if name not in PARSED:
        PARSED[name] = parse(name)
    return "".join(piece[0] for piece in PARSED[name])


for number in range(40_000):
    render(f"template-{DRAW.randrange(400)}")
