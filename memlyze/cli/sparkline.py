"""Curves in a line of text."""

from __future__ import annotations

import typing

_BARS = "▁▂▃▄▅▆▇█"


def sparkline(values: typing.Sequence[float | None], width: int | None = None) -> str:
    """`values` as bars, each as high as its share of the greatest; a blank for None.

    With `width`, so many bars, each as high as the greatest of the values that it stands for.
    """
    known = [-1.0 if value is None else value for value in values]
    width = len(known) if width is None else width
    highest = max(known, default=0.0)
    bars = []
    for place in range(width if known else 0):
        first = place * len(known) // width
        height = max(known[first : max((place + 1) * len(known) // width, first + 1)])
        share = height / highest if highest > 0 else 0.0
        bars.append(" " if height < 0 else _BARS[min(int(share * len(_BARS)), len(_BARS) - 1)])
    return "".join(bars)


def bar(value: float, top: float, width: int) -> str:
    """A bar of `width` characters for `top`, in eighths of a character."""
    if top <= 0 or value <= 0:
        return ""
    eighths = max(round(8 * width * min(value / top, 1.0)), 1)
    whole, rest = divmod(eighths, 8)
    return "█" * whole + ("▏▎▍▌▋▊▉"[rest - 1] if rest else "")
