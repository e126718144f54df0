"""A curve in one line of text."""

from __future__ import annotations

import typing

_BARS = "▁▂▃▄▅▆▇█"


def sparkline(values: typing.Sequence[float], width: int) -> str:
    """`values` as `width` bars, each as high as the greatest of the values it stands for."""
    if not values or width < 1:
        return ""
    highest = max(*values, 0)
    bars = []
    for place in range(width):
        first = place * len(values) // width
        part = values[first : max((place + 1) * len(values) // width, first + 1)]
        level = max(part) / highest if highest > 0 else 0
        bars.append(_BARS[min(int(max(level, 0) * len(_BARS)), len(_BARS) - 1)])
    return "".join(bars)
