"""What has changed since an earlier recording, as tables of text for the page and for Markdown."""

from __future__ import annotations

import typing

from memlyze.analyses.diff import Change, Difference
from memlyze.report.content import Comparison
from memlyze.wording.changes import TOTALS, change_share, place_text, signed, unlike_texts
from memlyze.wording.figures import figure
from memlyze.wording.units import format_bytes, format_count, plural

HEADS = ("before", "after", "change", "")


def headline(comparison: Comparison) -> str:
    """What the comparison comes to, after what makes it doubtful."""
    found = comparison.diff
    count = found.beyond_chance_count
    functions = plural(found.row_count, "function", "functions")
    doubts = "".join(f"{text[0].upper()}{text[1:]}. " for text in unlike_texts(found))
    return (
        f"{doubts}{count or 'None'} of {functions} {'differs' if count == 1 else 'differ'} "
        "beyond chance in what was live at the peak."
    )


def total_rows(comparison: Comparison) -> typing.Iterator[tuple[str, ...]]:
    """Each figure in all: its name, before, after, the change, and whether it is one."""
    for name, change in comparison.diff.totals.items():
        if change is None:
            yield TOTALS[name], "unknown", "unknown", "", "nothing was read of it in one of them"
            continue
        form = format_count if name == "allocations" else format_bytes
        is_chance = change.change.value and not change.is_beyond_chance
        yield (
            TOTALS[name],
            figure(change.before, form),
            figure(change.after, form),
            signed(change.change, form),
            "within chance" if is_chance else change_share(change),
        )


def changed_rows(comparison: Comparison) -> typing.Iterator[tuple[str, ...]]:
    """The functions that differ beyond chance: where, before, after, the change."""
    for row in comparison.diff.rows:
        if row.figure.is_beyond_chance:
            yield place_text(row), *_figures(row, row.figure)


def _figures(row: Difference, change: Change) -> tuple[str, ...]:
    return (
        figure(change.before),
        figure(change.after),
        signed(change.change, format_bytes),
        change_share(change),
    )
