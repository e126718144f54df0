"""The report as one page: nothing is loaded from elsewhere, and its policy forbids it to."""

from __future__ import annotations

import base64
import datetime
import hashlib
import os
import typing

import memlyze
from memlyze.report.content import Content
from memlyze.report.flame import flame_data, flame_section
from memlyze.report.leaks import leaks_section
from memlyze.report.markup import Element, document, h, name, readable
from memlyze.report.sections import (
    comparison_section,
    groups_section,
    resident_section,
    sites_section,
    tiles,
    timeline_section,
)
from memlyze.wording.sampling import sampling_text
from memlyze.wording.units import format_bytes, format_count, format_duration

_ASSETS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "assets")


def render_page(content: Content) -> str:
    """The whole page."""
    style, script = _asset("report.css"), _asset("report.js")
    # What is inline is let through by its hash: anything that got into the page otherwise is not.
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    head = h(
        "head",
        None,
        h("meta", {"charset": "utf-8"}),
        h("meta", {"http-equiv": "Content-Security-Policy", "content": policy}),
        h("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}),
        h("meta", {"name": "color-scheme", "content": "light dark"}),
        h("meta", {"name": "referrer", "content": "no-referrer"}),
        h("title", None, readable(content.title)),
        h("style", None, style),
    )
    body = h(
        "body",
        None,
        _header(content),
        h("main", None, *_sections(content)),
        _footer(content),
        h("div", {"id": "tip", "hidden": "hidden", "role": "presentation"}),
        h("script", {"type": "application/json", "id": "data"}, flame_data(content)),
        h("script", None, script),
    )
    return document(h("html", {"lang": "en"}, head, body))


def _sections(content: Content) -> typing.Iterator[Element]:
    yield tiles(content)
    compared = comparison_section(content)
    if compared is not None:
        yield compared
    yield timeline_section(content)
    yield leaks_section(content)
    yield sites_section(content)
    for part in (flame_section(content), resident_section(content)):
        if part is not None:
            yield part
    for hotspots in content.groups:
        if hotspots.rows:
            yield groups_section(hotspots, content)


def _header(content: Content) -> Element:
    summary = content.summary
    first = summary.processes[0]
    facts = [_day(content.start_unix_ns), format_duration(summary.duration_ns)]
    if first.python_version:
        facts.append(f"Python {readable(first.python_version)}")
    if len(summary.processes) > 1:
        facts.append(f"{len(summary.processes)} processes")
    return h(
        "header",
        None,
        h("p", {"class": "brand"}, "memlyze report"),
        h("h1", None, name(content.title)),
        h("p", {"class": "command"}, h("code", None, name(first.command_line, 400)))
        if first.command_line
        else None,
        h("p", {"class": "quiet"}, " · ".join(filter(None, facts))),
        *(h("p", {"class": "note", "role": "note"}, readable(note, 600)) for note in content.notes),
    )


def _day(unix_ns: int) -> str:
    """When recording began; empty where the trace does not say."""
    try:
        start = datetime.datetime.fromtimestamp(unix_ns // 10**9, datetime.timezone.utc)
    except (OverflowError, ValueError, OSError):
        return ""
    return start.strftime("%Y-%m-%d %H:%M UTC") if unix_ns > 0 else ""


def _footer(content: Content) -> Element:
    summary = content.summary
    if summary.is_exact:
        how = "Every allocation was recorded: the figures are exact."
    else:
        how = (
            f"Sampled {sampling_text(summary.sampling)}: the figures are estimates from "
            f"{format_count(summary.samples)} samples. "
            "± is half the width of their 95 % interval; with ~ there are too few samples for one."
        )
    cost = f"The recording is {format_bytes(summary.cost.file_bytes)} large"
    if summary.cost.peak_bytes is not None:
        cost += f" and took {format_bytes(summary.cost.peak_bytes)} of memory"
    return h(
        "footer",
        None,
        h("p", None, how),
        h("p", None, cost + "."),
        h("p", None, f"Written by memlyze {memlyze.__version__}."),
    )


def _asset(file_name: str) -> str:
    with open(os.path.join(_ASSETS, file_name), encoding="utf-8") as file:
        return file.read()


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return "sha256-" + base64.b64encode(digest).decode("ascii")
