"""The parts of the page, each with the table behind its picture."""

from __future__ import annotations

import typing

from memlyze.analyses.estimates import Estimate
from memlyze.analyses.hotspots import Hotspot, Hotspots
from memlyze.report import comparison
from memlyze.report.chart import bar, parts_bar, timeline_chart
from memlyze.report.content import Content
from memlyze.report.figures import (
    bytes_parts,
    bytes_text,
    function_text,
    inner_place,
    percent,
    place_text,
    time_text,
)
from memlyze.report.markup import Child, Element, h, name, place
from memlyze.wording.figures import figure, short_figure
from memlyze.wording.nothing import no_allocation_text
from memlyze.wording.peaks import peak_live_when, peak_resident_when, why_peak_resident_is_unknown
from memlyze.wording.resident import CATEGORY_NAMES
from memlyze.wording.units import format_bytes, format_count, format_duration, plural

_PARTS = 8


def tiles(content: Content) -> Element:
    """The figures that are looked for first."""
    summary = content.summary
    shown: list[tuple[str, str, str]] = []
    if summary.peak_rss is not None:
        when = peak_resident_when(summary)
        shown.append(("peak resident memory", format_bytes(summary.peak_rss.bytes), when))
    else:
        why = why_peak_resident_is_unknown(summary)
        shown.append(("peak resident memory", "unknown", why))
    if summary.peak_live_ns is not None:
        value, error = bytes_parts(summary.peak_live_bytes)
        shown.append(("peak live memory", value, _joined(error, peak_live_when(summary))))
    value, error = bytes_parts(summary.bytes)
    count = f"in {figure(summary.allocations, format_count)} allocations"
    shown.append(("allocated in all", value, _joined(error, count)))
    value, error = bytes_parts(summary.live_bytes)
    shown.append(("not freed", value, error))
    growing = content.leaks.judged["growing"]
    rate = bytes_text(content.leaks.growth_bytes_per_second)
    shown.append(
        (
            "growing without bound",
            plural(growing, "site", "sites"),
            f"by {rate} per second" if growing else "",
        )
    )
    collections = summary.collections
    if collections.runs:
        spent = f"{format_duration(collections.duration_ns)} in all"
        shown.append(("garbage collector", plural(collections.runs, "run", "runs"), spent))
    return h(
        "dl",
        {"class": "tiles"},
        *(
            h(
                "div",
                None,
                h("dt", None, label),
                h("dd", None, h("strong", None, value), h("span", None, more)),
            )
            for label, value, more in shown
        ),
    )


def _joined(*texts: str) -> str:
    return " ".join(text for text in texts if text)


def comparison_section(content: Content) -> Element | None:
    """What has changed since an earlier recording; None: there is nothing to compare with."""
    if content.comparison is None:
        return None
    changed = list(comparison.changed_rows(content.comparison))
    rows = [[name(cell) for cell in row] for row in changed]
    return h(
        "section",
        {"id": "comparison"},
        h("h2", None, "Compared with ", name(content.comparison.base)),
        table(
            ("", *comparison.HEADS), comparison.total_rows(content.comparison), numbers=(1, 2, 3)
        ),
        h("p", {"class": "quiet"}, comparison.headline(content.comparison)),
        table(("function", *comparison.HEADS), rows, numbers=(1, 2, 3)) if rows else None,
    )


def timeline_section(content: Content) -> Element:
    """How memory moved, and what was live at the peaks."""
    timeline = content.timeline
    if not any(part.peak_live_bytes or part.rss for part in timeline.slices):
        message = f"{no_allocation_text(content.summary)} Nor is there a reading of memory."
        return h(
            "section",
            {"id": "timeline"},
            h("h2", None, "Over time"),
            h("p", {"class": "empty"}, message),
        )
    return h(
        "section",
        {"id": "timeline"},
        h("h2", None, "Over time"),
        h(
            "p",
            {"class": "legend"},
            h("span", {"class": "key-rss"}, "resident memory"),
            h("span", {"class": "key-live"}, "live allocations"),
        ),
        h("div", {"class": "chart"}, timeline_chart(timeline)),
        _peaks(content),
        _details("The timeline as a table", _timeline_table(content)),
    )


def _peaks(content: Content) -> Element | None:
    if not content.timeline.peaks:
        return None
    items = []
    for number, peak in enumerate(content.timeline.peaks, 1):
        sites = [
            h(
                "li",
                None,
                _held(site.held_bytes),
                h("span", None, *_place(site, content.folder)),
            )
            for site in peak.sites
        ]
        items.append(
            h(
                "div",
                {"class": "peak"},
                h(
                    "h3",
                    None,
                    h("span", {"class": "badge"}, str(number)),
                    f" {bytes_text(peak.live_bytes)} live at {time_text(peak.time_ns)}",
                ),
                h("ul", None, *sites),
            )
        )
    return h("div", {"class": "peaks"}, *items)


def _held(estimate: Estimate) -> Element:
    value, error = bytes_parts(estimate)
    return h("span", {"class": "n"}, value, h("small", None, error) if error else None)


def _timeline_table(content: Content) -> Element:
    rows = [
        [
            time_text(part.start_ns),
            "" if part.rss is None else format_bytes(part.rss),
            bytes_text(part.live_bytes),
            bytes_text(part.allocated_bytes),
            bytes_text(part.freed_bytes),
            str(part.gc_runs or ""),
        ]
        for part in content.timeline.slices
    ]
    heads = ["from", "resident", "live at its end", "allocated", "freed", "collector runs"]
    return table(heads, rows, numbers=range(6))


def sites_section(content: Content) -> Element:
    """The lines of the program that allocated most."""
    sites = content.sites
    if not sites.rows:
        return h(
            "section",
            {"id": "sites"},
            h("h2", None, "Top sites"),
            h("p", {"class": "empty"}, no_allocation_text(content.summary)),
        )
    left = sites.row_count - len(sites.rows)
    return h(
        "section",
        {"id": "sites"},
        h("h2", None, "Top sites"),
        h(
            "p",
            {"class": "quiet"},
            "The innermost lines of the program’s own code that led to allocations, those that "
            "allocated most first.",
        ),
        _hotspots_table("site", sites, content),
        h("p", {"class": "quiet"}, f"and {left} more with less") if left else None,
    )


def groups_section(hotspots: Hotspots, content: Content) -> Element:
    """Sums by window, thread or process."""
    titles = {"window": "Windows", "thread": "Threads", "process": "Processes"}
    heads = titles[hotspots.by]
    return h(
        "section",
        {"id": hotspots.by},
        h("h2", None, heads),
        _hotspots_table(hotspots.by, hotspots, content),
    )


def _hotspots_table(what: str, hotspots: Hotspots, content: Content) -> Element:
    greatest = max([row.bytes.value for row in hotspots.rows] + [1])
    body = []
    for row in hotspots.rows:
        inner = inner_place(row, content.folder) if what == "site" else ""
        body.append(
            h(
                "tr",
                None,
                h(
                    "td",
                    {"class": "place"},
                    *_place(row, content.folder),
                    h("small", None, "mostly in ", name(inner)) if inner else None,
                    bar(row.bytes.value / greatest, "allocated"),
                ),
                *_figure_cells(row.bytes),
                *_figure_cells(row.held_bytes),
                *_figure_cells(row.live_bytes),
                h("td", {"class": "n"}, short_figure(row.allocations, format_count)),
                h(
                    "td",
                    {"class": "n"},
                    ""
                    if row.mean_lifetime_ns is None
                    else format_duration(row.mean_lifetime_ns)
                    if row.mean_lifetime_ns >= 1e6
                    else "< 1 ms",
                ),
            )
        )
    wide = {"class": "n", "colspan": 2}
    heads = h(
        "tr",
        None,
        h("th", None, what),
        h("th", wide, "allocated"),
        h("th", wide, "live at the peak"),
        h("th", wide, "not freed"),
        h("th", {"class": "n"}, "allocations"),
        h("th", {"class": "n"}, "mean life"),
    )
    return h(
        "div",
        {"class": "wide", "tabindex": 0, "role": "region", "aria-label": f"By {what}"},
        h("table", None, h("thead", None, heads), h("tbody", None, *body)),
    )


def _figure_cells(estimate: Estimate) -> list[Element]:
    value, error = bytes_parts(estimate)
    return [
        h("td", {"class": "n" if estimate.value else "n quiet"}, value),
        h("td", {"class": "e"}, error),
    ]


def _place(site: Hotspot, folder: str) -> list[Child]:
    if site.function:
        where = place_text(site.file, site.line, folder)
        return [
            h("code", None, name(function_text(site.function))),
            h("small", None, place(where)) if where else None,
        ]
    return [name(function_text(site.name))]


def resident_section(content: Content) -> Element | None:
    """What the resident memory consisted of."""
    resident = content.summary.resident
    if resident is None or not resident.program_bytes:
        return None
    parts = [part for part in resident.program_parts if part.resident_bytes]
    shown = parts[:_PARTS]
    rest = sum(part.resident_bytes for part in parts[_PARTS:])
    rows: list[list[Child]] = [
        [
            h("span", {"class": f"swatch part{number}"}, ""),
            CATEGORY_NAMES.get(part.category, part.category),
            format_bytes(part.resident_bytes),
            percent(part.share),
        ]
        for number, part in enumerate(shown)
    ]
    shares = [part.share for part in shown]
    if rest:
        rows.append(
            [
                h("span", {"class": f"swatch part{_PARTS}"}, ""),
                "other",
                format_bytes(rest),
                percent(rest / resident.program_bytes),
            ]
        )
        shares.append(rest / resident.program_bytes)
    own = resident.tracer_bytes
    return h(
        "section",
        {"id": "resident"},
        h("h2", None, "What the resident memory was"),
        h(
            "p",
            {"class": "quiet"},
            f"{format_bytes(resident.program_bytes)} at {time_text(resident.time_ns)}, the "
            "snapshot that saw most of it.",
            f" memlyze itself held {format_bytes(own)} beside it." if own else None,
        ),
        parts_bar(shares),
        table(["", "", "resident", "share"], rows, numbers=(2, 3)),
    )


def table(
    heads: typing.Sequence[str],
    rows: typing.Iterable[typing.Sequence[Child]],
    *,
    numbers: typing.Container[int],
) -> Element:
    """A table of text; the columns in `numbers` are aligned to the right."""

    def cells(tag: str, row: typing.Sequence[Child]) -> Element:
        return h(
            "tr",
            None,
            *(
                h(tag, {"class": "n"} if place in numbers else None, cell)
                for place, cell in enumerate(row)
            ),
        )

    return h(
        "div",
        {"class": "wide"},
        h(
            "table",
            None,
            h("thead", None, cells("th", heads)),
            h("tbody", None, *(cells("td", row) for row in rows)),
        ),
    )


def _details(title: str, *children: Element) -> Element:
    return h("details", None, h("summary", None, title), *children)
