"""How estimates are shown: with their error bars, and said to rest on few samples where they do."""

from __future__ import annotations

import typing

from memlyze.analyses.estimates import Estimate
from memlyze.wording.units import format_bytes, format_error

#: What helps where figures rest on few samples.
FEW_SAMPLES_ADVICE = (
    "few samples: record with a greater --sample-rate or a smaller --sample-interval."
)
#: What stands for the error bar then.
FEW_SAMPLES_NOTE = "(few samples)"
#: The same where there is room for no more than an error bar.
FEW_SAMPLES_MARK = "(few)"
#: The same below a table, where such figures are marked.
FEW_SAMPLES_LINE = f"  {FEW_SAMPLES_ADVICE.capitalize()}"
Form = typing.Callable[[float], str]


def figure_cells(
    estimate: Estimate, form: Form = format_bytes, *, note: str = FEW_SAMPLES_NOTE
) -> tuple[str, str]:
    """An estimate and its error bar, for two cells of a table: `40.5 MiB`, `±21 %`.

    `~512 KiB`, `(few samples)` where these are too few for an interval to be relied on; `~0 B`
    where there are none, which does not say that there was nothing.
    """
    value, error = estimate
    if not estimate.rests_on_few:
        return form(value), format_error(abs(value), error)
    return "~" + form(value), note if round(value) else ""


def figure(estimate: Estimate, form: Form = format_bytes) -> str:
    """An estimate and its error bar, for a sentence."""
    return " ".join(part for part in figure_cells(estimate, form) if part)


def short_figure(estimate: Estimate, form: Form = format_bytes) -> str:
    """An estimate where there is no room for more: `40.5 MiB`, or `~512 KiB`."""
    return figure_cells(estimate, form)[0]


def share_cell(part: float, whole: float) -> str:
    """What a part is of a whole: `32 %`; what is not nothing is not called 0."""
    if whole <= 0:
        return ""
    share = 100 * part / whole
    if 0 < share < 0.05:
        return "<0.1 %"
    return f"{share:.1f} %" if 0 < share < 9.95 else f"{share:.0f} %"


def share_look(part: float, whole: float) -> str:
    """How the share of a row looks in a coloured table."""
    if whole <= 0 or part < 0.05 * whole:
        return ""
    return "red" if part >= 0.2 * whole else "yellow"
