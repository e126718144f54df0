"""How estimates are shown: with their error bars, and said to rest on few samples where they do."""

from __future__ import annotations

import typing

from memlyze.analyses.estimates import Estimate
from memlyze.wording.units import format_bytes, format_error

#: The relative 95 % error of a figure that rests on ten samples: 1.96 / sqrt(10). Beyond it, an
#: interval would look more precise than it is.
ERROR_OF_TEN_SAMPLES = 0.62


def figure_cells(
    estimate: Estimate,
    form: typing.Callable[[float], str] = format_bytes,
    *,
    few_samples: bool = False,
    note: str = "(few samples)",
) -> tuple[str, str]:
    """An estimate and its error bar, for two cells of a table: `40.5 MiB`, `±21 %`.

    `~512 KiB`, `(few samples)` where these are too few for an interval to be relied on.
    """
    value, error = estimate
    if not value:
        return form(0), ""
    if few_samples or error > ERROR_OF_TEN_SAMPLES * abs(value):
        return "~" + form(value), note
    return form(value), format_error(abs(value), error)


def figure(
    estimate: Estimate,
    form: typing.Callable[[float], str] = format_bytes,
    *,
    few_samples: bool = False,
) -> str:
    """An estimate and its error bar, for a sentence."""
    return " ".join(part for part in figure_cells(estimate, form, few_samples=few_samples) if part)


def share_cell(part: float, whole: float) -> str:
    """What a part is of a whole: `32 %`."""
    if whole <= 0:
        return ""
    share = 100 * part / whole
    return f"{share:.1f} %" if 0 < share < 9.95 else f"{share:.0f} %"


def share_look(part: float, whole: float) -> str:
    """How the share of a row looks in a coloured table."""
    if whole <= 0 or part < 0.05 * whole:
        return ""
    return "red" if part >= 0.2 * whole else "yellow"
