"""The verdict on each site, from the shape of its curve. `docs/leaks.md` explains the rules."""

from __future__ import annotations

import typing

import numpy as np

from memlyze.query.leaks.curves import CELLS, LEAST_BYTES, Array, Curves
from memlyze.query.leaks.shape import Shapes
from memlyze.query.leaks.trend import holm

GROWING = "growing"
BOUNDED = "bounded"
ONE_TIME = "one_time"
WARMING_UP = "warming_up"
FREED_LATE = "freed_late"
SAWTOOTH = "sawtooth"
TOO_FEW = "too_few_samples"
#: All verdicts, those that need attention first.
VERDICTS = (GROWING, WARMING_UP, TOO_FEW, FREED_LATE, SAWTOOTH, BOUNDED, ONE_TIME)

#: Chance of calling any site of a program growing that is not.
SIGNIFICANCE = 0.05
_LEAST_SAMPLES = 8
_LEAST_RISES = 5
#: Growth must have been watched for this long, and for this share of the program's life.
_LEAST_NS = 200_000_000
_LEAST_SHARE = 0.12
_SLOWING = 0.4
_QUIET_TAIL = 0.1
_ACCUMULATES = 0.1  # falls by rises of a site that only takes
_TURNOVER = 0.3  # frees by births of a site whose contents are replaced
_TOOTH = 0.5


class Judgement(typing.NamedTuple):
    """One value for each site."""

    verdict: Array
    confidence: Array
    """From 0 to 1."""
    p_value: Array
    """That its growth is chance, corrected for all the sites that were tested."""


def judge(curves: Curves, shapes: Shapes, *, cell_ns: float, is_exact: bool) -> Judgement:
    """Judge all sites of a process."""
    s = shapes
    length = s.end - s.onset
    share = length / CELLS
    has_few = (curves.lasting_samples < _LEAST_SAMPLES) & (not is_exact)
    is_tested = (s.rise >= LEAST_BYTES) & ~has_few

    accumulates = s.falls <= _ACCUMULATES
    p_value = np.where(accumulates, s.p_window, np.maximum(s.p_window, s.p_half))
    corrected = np.ones(len(p_value))
    corrected[is_tested] = holm(p_value[is_tested])

    # What happened once in a while may have happened for the last time.
    p_quiet = (1 - np.clip(s.quiet_tail, 0, 1)) ** s.rises
    has_stopped = (
        (s.quiet_tail >= _QUIET_TAIL) & (p_quiet < 0.02) & (s.quiet_tail > 1.3 * s.longest_pause)
    ) | (s.quiet_tail >= 0.5)
    is_slowing = s.slowing < _SLOWING
    earlier_peak = np.where(np.arange(CELLS) < s.onset[:, None], curves.live, 0).max(
        axis=1, initial=0
    )
    has_teeth = (earlier_peak >= _TOOTH * s.top) | (s.drawdown >= _TOOTH)
    is_rising = s.p_third <= 0.05
    is_watched = (length * cell_ns >= _LEAST_NS) & (share >= _LEAST_SHARE)

    grows = (
        is_tested
        & (corrected <= SIGNIFICANCE)
        & is_rising
        & (s.rises >= _LEAST_RISES)
        & ~has_stopped
        & ~is_slowing
        & ~has_teeth
    )
    turns_over = s.turnover >= _TURNOVER
    has_ended = has_stopped | (s.rises < _LEAST_RISES) | ~is_rising
    verdict = np.select(
        [
            has_few,
            s.is_freed_at_once,
            has_teeth | (curves.live[:, -1] < 0.3 * s.peak),
            grows & is_watched,
            grows,
            turns_over,
            has_ended,
        ],
        [TOO_FEW, FREED_LATE, SAWTOOTH, GROWING, WARMING_UP, BOUNDED, ONE_TIME],
        default=WARMING_UP,
    )
    events = s.rises if is_exact else curves.lasting_samples
    evidence = 1 - np.exp(-events / 6)
    confidence = np.where(verdict == GROWING, (1 - corrected) * evidence, 0.95 * evidence)
    confidence[verdict == TOO_FEW] = 0
    return Judgement(verdict, confidence, corrected)
