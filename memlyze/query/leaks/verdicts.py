"""The verdict on each site, from the shape of its curve. `docs/leaks.md` explains the rules."""

from __future__ import annotations

import typing

import numpy as np

from memlyze.query.leaks.clock import CELLS, Array
from memlyze.query.leaks.curves import LEAST_BYTES, Curves, Lives
from memlyze.query.leaks.shape import TURNOVER, Shapes
from memlyze.query.leaks.trend import best_p, holm

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
SIGNIFICANCE = 0.01
_LEAST_SAMPLES = 5
_LEAST_RISES = 5
#: Growth must have been watched for this long, and for this share of the program's life.
_LEAST_NS = 50_000_000
_LEAST_SHARE = 0.12
_RISING = 0.1  # p-value of the last third
_WEAKLY_RISING = 0.25  # of the last third, where the last half leaves no doubt
_MOSTLY = 0.5
_SUDDEN = 10  # growth in the last third by that in the middle third
_LATE_RISE = 0.1  # share of its bytes that a site must have gained in the last third
_SURELY_SLOWER = 0.05
_ENDED = 0.05
_QUIET_TAIL = 0.1
_LONG_STILL = 0.25
_UNLIKELY = 0.01
_ACCUMULATES = 0.1  # falls by rises of a site that only takes
_TOOTH = 0.5
_SHUTDOWN = 0.9  # share of its life after which what a program lets go may be its end


#: Growth in the middle third by that in the first, at most; and growth in the last third by that
#: in the middle third below which it is ever slower. What had slowed before need not slow as much.
_SLOWING = ((np.inf, 0.4), (0.5, 0.6), (0.25, 0.75))


class Judgement(typing.NamedTuple):
    """One value for each site."""

    verdict: Array
    confidence: Array
    """From 0 to 1."""
    p_value: Array
    """That its growth is chance, corrected for all the sites that were tested."""
    has_enough: Array
    """Whether there is enough of it to judge it by itself: growth could be found, if there is."""
    grew_until_freed: Array
    """Whether it was freed in one go near the end of the program, and passed all tests of growth
    up to then. Its verdict is FREED_LATE.
    """


def judge(curves: Curves, shapes: Shapes, lives: Lives, *, looks: int = 1) -> Judgement:
    """Judge all sites of a process. `looks`: in how many ways the same allocations are put
    together to sites, which is corrected for, too.
    """
    is_exact, clock = lives.is_exact, lives.clock
    s = shapes
    length = s.end - s.onset
    share = length / CELLS
    has_few = (curves.lasting_samples < _LEAST_SAMPLES) & (not is_exact)
    gained = curves.live - curves.before[:, None]
    earlier_peak = np.where(np.arange(CELLS) < s.onset[:, None], gained, 0).max(axis=1, initial=0)
    has_teeth = (earlier_peak >= _TOOTH * s.top) | (s.drawdown >= _TOOTH)
    has_enough = (s.rise - s.greatest_step >= LEAST_BYTES) & ~has_few
    is_candidate = has_enough & ~has_teeth
    is_tested = is_candidate & ~s.is_freed_at_once
    is_late = s.is_freed_at_once & (s.end >= _SHUTDOWN * CELLS)

    accumulates = s.falls <= _ACCUMULATES
    by_half = np.maximum(s.p_window, s.p_half) if is_exact else s.p_half
    turns_over = s.turnover >= TURNOVER
    only_takes = accumulates & ~turns_over
    p_value = np.maximum(np.where(only_takes, s.p_window, by_half), s.p_again)
    corrected = np.ones(len(p_value))
    corrected[is_tested] = np.minimum(holm(p_value[is_tested]) * looks, 1)
    # What was let go is another question: it takes nothing from the answers to the first.
    is_tested_too = is_candidate & (is_tested | is_late)
    with_freed = np.minimum(holm(p_value[is_tested_too]) * looks, 1)
    corrected[is_late & is_candidate] = with_freed[is_late[is_tested_too]]

    has_stopped = _has_stopped(s.quiet_tail, s.longest_pause, s.rises)
    # Or it did nothing more at all; where that is not known, nobody can tell.
    may_have_stopped = ~has_stopped & _has_stopped(s.still, s.longest_still, s.rises)
    may_have_stopped &= (s.still >= _LONG_STILL) & (not clock.sees_idling)
    is_slowing = np.zeros(len(p_value), bool)
    for slowed, slowing in _SLOWING:
        is_slowing |= (s.slowing_before <= slowed) & (s.slowing < slowing)
    is_slowing &= s.p_slower <= _SURELY_SLOWER
    # Of a few samples in the last third the middle one may have had no more.
    is_fading = (s.late_births < _LEAST_SAMPLES) & (s.p_fading <= _UNLIKELY) & (not is_exact)
    is_slowing |= is_fading
    sees_ends = is_exact | (curves.ended_samples >= _LEAST_SAMPLES)
    # What came at once, for the most part, must be followed by more.
    is_step = s.greatest_step >= _MOSTLY * s.rise
    is_rising = s.p_third <= _RISING
    is_rising |= (s.p_third <= _WEAKLY_RISING) & (s.p_half <= 0.01) & ~is_step
    # What grew in the last third alone has only that to show.
    is_rising &= (s.slowing < _SUDDEN) | (s.p_third <= SIGNIFICANCE)
    # It must matter beside what there is, or by itself where it only takes.
    matters = only_takes & (s.late_rise >= LEAST_BYTES)
    is_rising &= matters | (s.late_rise >= _LATE_RISE * s.level)
    watched_ns = clock.time_ns(s.end) - clock.time_ns(s.onset)
    is_watched = (watched_ns >= _LEAST_NS) & (share >= _LEAST_SHARE)

    grows = (
        is_tested_too
        & (corrected <= SIGNIFICANCE)
        & is_rising
        & (s.rises >= _LEAST_RISES)
        & (s.gain > 0)
        & ~has_stopped
        & ~may_have_stopped
        & ~is_slowing
        & ~s.is_dropped_by_age
    )
    has_ended = has_stopped | ((s.slowing < _ENDED) & ~may_have_stopped)
    verdict = np.select(
        [
            has_few,
            s.is_freed_at_once,
            has_teeth | (curves.live[:, -1] < 0.3 * s.peak),
            grows & is_watched,
            grows,
            turns_over & sees_ends,
            has_ended,
        ],
        [TOO_FEW, FREED_LATE, SAWTOOTH, GROWING, WARMING_UP, BOUNDED, ONE_TIME],
        default=WARMING_UP,
    )
    events = s.rises if is_exact else curves.lasting_samples
    evidence = 1 - np.exp(-events / 6)
    grew_until_freed = (verdict == FREED_LATE) & grows & is_watched
    # Of a few samples no test finds anything, however they lie.
    best = best_p(curves.lasting_samples) * max(int(is_tested.sum()), 1) * looks
    can_be_found = has_enough & (is_exact | (best <= SIGNIFICANCE))
    is_growth = (verdict == GROWING) | grew_until_freed
    confidence = np.where(is_growth, (1 - corrected) * evidence, 0.95 * evidence)
    confidence[verdict == TOO_FEW] = 0
    return Judgement(verdict, confidence, corrected, can_be_found, grew_until_freed)


def _has_stopped(tail: Array, longest_pause: Array, rises: Array) -> Array:
    """Whether what happened once in a while, `rises` times, happened for the last time before
    `tail`: shares of the time.
    """
    p_value = (1 - np.clip(tail, 0, 1)) ** rises
    is_unlikely = (tail >= _QUIET_TAIL) & (p_value < _UNLIKELY) & (tail > 1.3 * longest_pause)
    stopped: Array = is_unlikely | (tail >= 0.5)
    return stopped
