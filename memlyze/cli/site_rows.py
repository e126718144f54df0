"""The rows of a table of sites, each with what is said beneath it."""

from __future__ import annotations

import typing

from memlyze.cli.terminal import Style
from memlyze.wording.places import note_of, place_of

if typing.TYPE_CHECKING:
    from memlyze.analyses.hotspots import Hotspot


def with_notes(
    rows: typing.Iterable[str],
    bare: typing.Iterable[str],
    sites: typing.Iterable[Hotspot],
    style: Style,
) -> list[str]:
    """The rows as they are shown, and beneath each the note of its site, where there is one.

    Args:
        rows: As they are shown, perhaps in colours and shortened.
        bare: The same in plain text, which tells where the place of a site begins.
        sites: What the rows show.
        style: Of the output; notes are dimmed and end with its width.
    """
    lines = []
    for row, plain, site in zip(rows, bare, sites):
        lines.append(row)
        note = note_of(site)
        if note:
            indent = " " * (plain.index(place_of(site)) + 2)
            lines.append(style((indent + note)[: style.width], "dim"))
    return lines
