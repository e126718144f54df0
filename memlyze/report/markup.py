"""Builds HTML from elements: text stays text, whatever is in it."""

from __future__ import annotations

import typing
import xml.etree.ElementTree as ET

from memlyze.wording.names import printable

Element = ET.Element
Child = typing.Union[str, ET.Element, None]

#: No name is shown longer than this; what is left out is from its middle.
LONGEST_NAME = 160
_LONGEST_UNBROKEN = 36


def h(tag: str, attributes: typing.Mapping[str, object] | None = None, *children: Child) -> Element:
    """The element with these attributes and children; None is left out."""
    element = ET.Element(tag, {name: _text(value) for name, value in (attributes or {}).items()})
    last: ET.Element | None = None
    for child in children:
        if child is None:
            continue
        if not isinstance(child, str):
            element.append(child)
            last = child
        elif last is None:
            element.text = (element.text or "") + child
        else:
            last.tail = (last.tail or "") + child
    return element


def name(text: str, longest: int = LONGEST_NAME) -> Element:
    """A name that somebody else gave: its direction does not reach beyond it, what cannot be
    printed is spelled out, and what is too long is cut. The whole of it is shown on hovering.
    """
    whole = readable(text, 10 * LONGEST_NAME)
    shown = readable(text, longest)
    return h("bdi", {"title": whole} if shown != whole else {}, shown)


def place(text: str) -> Element:
    """A path and line, which are not broken in the middle of the file's name."""
    shown = readable(text)
    folder, slash, file = shown.rpartition("/")
    if len(file) > _LONGEST_UNBROKEN:
        return name(text)
    return h("bdi", None, folder + slash, h("span", {"class": "unbroken"}, file))


def readable(text: str, longest: int = LONGEST_NAME) -> str:
    """`text` as a person can read it: no control characters, at most `longest` characters."""
    cut = shorten(text[: 20 * LONGEST_NAME] if len(text) > 20 * LONGEST_NAME else text, longest)
    return shorten(printable(cut), longest)


def shorten(text: str, longest: int) -> str:
    """`text` with its middle left out where it is longer."""
    if len(text) <= longest:
        return text
    return f"{text[: longest // 2 - 1]}…{text[-(longest - longest // 2) :]}"


def document(root: Element) -> str:
    """The page, with its declaration."""
    return "<!DOCTYPE html>\n" + ET.tostring(root, encoding="unicode", method="html") + "\n"


def _text(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
