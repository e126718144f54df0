"""Templates are compiled for each request, under a name that is new each time."""

from __future__ import annotations

COMPILED = {}


def render(number):
    name = f"template-{number}"
    if name not in COMPILED:
        source = "\n".join(f"value_{n} = {number} + {n}" for n in range(12))
        COMPILED[name] = compile(source, "<template>", "exec")  # leaks
    return COMPILED[name]


for number in range(15_000):
    render(number)
