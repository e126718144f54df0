"""Limits for what may differ between two recordings: `live > +5%`."""

from __future__ import annotations

import math
import re
import typing

from memlyze.analyses.diff import FIGURES, Change, Diff
from memlyze.analyses.estimates import Estimate
from memlyze.errors import MemlyzeError

_THRESHOLD = re.compile(
    r"(?P<figure>[a-z]+)\s*>\s*(?P<sign>\+?)\s*(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[%a-zA-Z]*)"
)
_BYTES = {
    "b": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "kib": 1 << 10,
    "mib": 1 << 20,
    "gib": 1 << 30,
}
_COUNTS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}
_FORM = "write it as 'live > +5%', 'peak > +10MiB' or 'rss > 500MiB'"


class Threshold(typing.NamedTuple):
    """A limit for one figure."""

    text: str
    """As it was written."""
    figure: str
    """One of the figures of a diff."""
    kind: str
    """What is limited: `change`, `relative change` or `value` (of the second recording)."""
    limit: float
    """Bytes, a number, or (of a relative change) a share: 0.05 is 5 %."""


class Verdict(typing.NamedTuple):
    """What became of a threshold."""

    threshold: Threshold
    """The limit."""
    measured: Estimate | None
    """What is held against the limit; None: it is not known, or a share of nothing."""
    outcome: str
    """`kept` (not exceeded), `exceeded` (beyond chance: by more than the 95 % interval),
    `uncertain` (above the limit, but perhaps by chance) or `unknown` (not measured in both
    recordings).
    """

    @property
    def is_failure(self) -> bool:
        """Whether a run that is checked has failed. What is unknown has failed."""
        return self.outcome in ("exceeded", "unknown")


def parse_threshold(text: str) -> Threshold:
    """Read `live > +5%` (relative change), `live > +10MiB` (change) or `rss > 500MiB` (value).

    Raises MemlyzeError for what cannot be read.
    """
    match = _THRESHOLD.fullmatch(text.strip())
    if match is None or match.group("figure") not in FIGURES:
        raise MemlyzeError(f"{text!r} is no threshold; {_FORM} (figures: {', '.join(FIGURES)})")
    figure, sign, number, unit = match.group("figure", "sign", "number", "unit")
    if unit == "%":
        if not sign:
            raise MemlyzeError(f"{text!r}: a share is one of a change; {_FORM}")
        return Threshold(text.strip(), figure, "relative change", float(number) / 100)
    units = _COUNTS if figure == "allocations" else _BYTES
    if unit.lower() not in units:
        known = "k, M or G" if figure == "allocations" else "B, kB, MB, GB, KiB, MiB or GiB"
        raise MemlyzeError(f"{text!r}: {figure} has the units {known}; {_FORM}")
    kind = "change" if sign else "value"
    return Threshold(text.strip(), figure, kind, float(number) * units[unit.lower()])


def judge(threshold: Threshold, found: Diff) -> Verdict:
    """Hold a diff against a threshold."""
    change = found.totals[threshold.figure]
    if change is None:
        return Verdict(threshold, None, "unknown")
    if threshold.kind == "relative change" and change.before.value <= 0:
        # Anything is more than any share of nothing.
        return Verdict(threshold, None, _outcome(change.after, 0.0))
    measured = _measured(threshold, change)
    return Verdict(threshold, measured, _outcome(measured, threshold.limit))


def _outcome(measured: Estimate, limit: float) -> str:
    if measured.value <= limit:
        return "kept"
    return "exceeded" if measured.value - measured.error > limit else "uncertain"


def _measured(threshold: Threshold, change: Change) -> Estimate:
    if threshold.kind == "value":
        return change.after
    if threshold.kind == "change":
        return change.change
    before = change.before.value
    # The error of a ratio, by the delta method.
    ratio = change.after.value / before
    error = math.hypot(change.after.error, ratio * change.before.error) / before
    return Estimate(ratio - 1, error)
