"""Finds the peaks of a curve that stand out."""

from __future__ import annotations

import typing


def prominent_peaks(heights: typing.Sequence[float], count: int, least_share: float) -> list[int]:
    """Places of at most `count` peaks of `heights`, the most prominent first.

    A peak's prominence is how far one has to go down from it to reach a higher place; before the
    first and behind the last all is 0, so the highest has all of its height. Peaks of less than
    `least_share` of the highest are left out. Nothing is a peak where all heights are 0.
    """
    top = max(heights, default=0.0)
    if top <= 0:
        return []
    prominences = {
        place: height - max(_valley(heights, place, -1), _valley(heights, place, 1))
        for place, height in enumerate(heights)
        if height > 0
    }
    found = [place for place, value in prominences.items() if value >= least_share * top]
    found.sort(key=lambda place: (-prominences[place], place))
    return found[:count]


def _valley(heights: typing.Sequence[float], place: int, step: int) -> float:
    """How far one goes down from a place in one direction before it is higher: 0 at the end.

    Of equal heights the first is the peak.
    """
    top = lowest = heights[place]
    place += step
    while 0 <= place < len(heights):
        height = heights[place]
        if height > top or (height == top and step < 0):
            return lowest
        lowest = min(lowest, height)
        place += step
    return 0.0
