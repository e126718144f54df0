"""The report in short, as Markdown of the kind that GitHub, GitLab and others show."""

from __future__ import annotations

import typing

from memlyze.analyses.hotspots import Hotspot
from memlyze.report import comparison
from memlyze.report.content import Content
from memlyze.report.figures import bytes_text, function_text, place_text, time_text
from memlyze.report.markup import readable
from memlyze.wording.figures import figure
from memlyze.wording.leaks import (
    confidence_text,
    freed_growth_text,
    growing_text,
    held_by_lines,
    live_word,
    more_suspects_text,
    part_text,
    processes_text,
    stopped_growth_command,
    stopped_growth_text,
    total_text,
)
from memlyze.wording.nothing import no_allocation_text
from memlyze.wording.peaks import (
    peak_live_when,
    peak_resident_when,
    peak_together_text,
    why_peak_resident_is_unknown,
)
from memlyze.wording.units import format_bytes, format_count, format_duration, plural
from memlyze.wording.unseen import unseen_text

_SITES = 10
_LONGEST = 100
_MOST_WARMING_UP = 3
_LONGEST_CHAIN = 300
_SPECIAL = "\\`*_{}[]<>()#+-.!|~@&$"


def render_markdown(content: Content) -> str:
    """The whole of it."""
    parts = [
        f"## Memory: {escape(content.title)}",
        *(f"> {escape(note)}" for note in content.notes),
        _comparison(content),
        _facts(content),
        _leaks(content),
        _sites(content),
        _peak(content),
        _how(content),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def code(text: str, longest: int = _LONGEST) -> str:
    """Text that somebody else gave, as code: nothing in it has a meaning, in a table neither."""
    shown = readable(text, longest).replace("|", "\\|")
    ticks = "`"
    while ticks in shown:
        ticks += "`"
    space = " " if len(ticks) > 1 else ""
    return f"{ticks}{space}{shown or ' '}{space}{ticks}"


def escape(text: str, longest: int = 400) -> str:
    """Text that somebody else gave, within a sentence."""
    return "".join(
        "\\" + letter if letter in _SPECIAL else letter for letter in readable(text, longest)
    )


def table(
    heads: typing.Sequence[str], rows: typing.Iterable[typing.Sequence[str]], right: int
) -> str:
    """A table whose last `right` columns are figures."""
    rules = ["---"] * (len(heads) - right) + ["---:"] * right
    lines = [heads, rules, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _facts(content: Content) -> str:
    summary = content.summary
    rows = [("duration", format_duration(summary.duration_ns))]
    if summary.peak_rss is not None:
        when = peak_resident_when(summary)
        rows.append(("peak resident memory", f"{format_bytes(summary.peak_rss.bytes)} {when}"))
    else:
        why = why_peak_resident_is_unknown(summary)
        rows.append(("peak resident memory", f"unknown: {why}"))
    if summary.peak_rss_together is not None:
        rows.append(("of all processes", peak_together_text(summary.peak_rss_together)))
    if summary.peak_live_ns is not None:
        when = peak_live_when(summary)
        rows.append(("peak live memory", f"{bytes_text(summary.peak_live_bytes)} {when}"))
    count = f"in {figure(summary.allocations, format_count)} allocations"
    rows.append(("allocated in all", f"{bytes_text(summary.bytes)} {count}"))
    rows.append(("not freed", bytes_text(summary.live_bytes)))
    return table(("", ""), rows, right=1)


def _comparison(content: Content) -> str:
    """What has changed since an earlier recording."""
    if content.comparison is None:
        return ""
    heads = ("", *comparison.HEADS)
    totals = table(heads, comparison.total_rows(content.comparison), right=4)
    parts = [
        f"**Compared with {escape(content.comparison.base)}**",
        totals,
        comparison.headline(content.comparison),
    ]
    rows = [(code(row[0]), *row[1:]) for row in comparison.changed_rows(content.comparison)]
    if rows:
        parts.append(table(("function", *comparison.HEADS), rows, right=4))
    return "\n\n".join(parts)


def _leaks(content: Content) -> str:
    found = content.leaks
    growing, freed = found.judged["growing"], found.grew_until_freed
    stopped = found.grew_until_stopped
    last = _warming_up(content)
    if stopped.sites:
        place = place_text(stopped.file or "", stopped.line, content.folder)
        where = code(f"{function_text(stopped.function or '')} {place}".strip())
        command = code(stopped_growth_command(stopped))
        last = [f"{stopped_growth_text(stopped, where)} {command}."]
    if found.unseen is not None:
        last.append(unseen_text(found.unseen))
    if growing:
        headline = f"{growing_text(found)}."
    elif freed.sites:
        headline = "no site grows without bound to the end."
    else:
        judged = plural(sum(found.judged.values()), "site", "sites")
        return " ".join([f"**Leaks:** none of {judged} grows without bound.", *last])
    if freed.sites:
        headline += f" {freed_growth_text(freed)}."
    lines = [f"**Leaks: {headline}**", ""]
    for site, *others in found.suspects_by_leak():
        where = place_text(site.file, site.line, content.folder)
        processes = f", {processes_text(site)}" if len(site.process_ids) > 1 else ""
        size = f"{bytes_text(site.live_bytes)} {live_word(site)}"
        if site.grew_until_freed:
            until = time_text(site.judged_until_ns)
            size = f"{bytes_text(site.peak_bytes)} at peak, freed at {until}"
        lines.append(
            f"- {code(function_text(site.function))} {code(where)}: {size}, "
            f"{bytes_text(site.growth_bytes_per_second)} per second since "
            f"{time_text(site.growing_since_ns)}{processes} "
            f"(confidence {confidence_text(site)})"
        )
        lines += [f"  - {code(line, _LONGEST_CHAIN)}" for line in held_by_lines(site)]
        for other in others:
            where = place_text(other.file, other.line, content.folder)
            lines.append(
                f"  - held with it: {code(function_text(other.function))} {code(where)}: "
                f"{part_text(other)}"
            )
        total = total_text(found, site)
        if total is not None:
            lines.append(f"  - in all: {total}")
    more = more_suspects_text(found)
    if more is not None:
        lines.append(f"- {more}")
    return "\n".join(lines + (["", *last] if last else []))


def _warming_up(content: Content) -> list[str]:
    """Of the sites of which it is not known yet whether they come to rest the greatest; nothing
    where there are none.
    """
    found = content.leaks
    sites = found.having("warming_up")[:_MOST_WARMING_UP]
    if not sites:
        return []
    places = (
        f"{code(function_text(site.function))} "
        f"{code(place_text(site.file, site.line, content.folder))}: "
        f"{bytes_text(site.live_bytes)} live"
        for site in sites
    )
    more = found.judged["warming_up"] - len(sites)
    others = f"; and {more} more" if more > 0 else ""
    return [f"Still warming up: {'; '.join(places)}{others}."]


def _sites(content: Content) -> str:
    if not content.sites.rows:
        return no_allocation_text(content.summary)
    rows = [
        (
            _site(site, content.folder),
            bytes_text(site.bytes),
            bytes_text(site.held_bytes),
            bytes_text(site.live_bytes),
        )
        for site in content.sites.rows[:_SITES]
    ]
    heads = ("site", "allocated", "live at the peak", "not freed")
    return "**Top sites**\n\n" + table(heads, rows, right=3)


def _peak(content: Content) -> str:
    """What was live at the peak, folded up."""
    if not content.timeline.peaks:
        return ""
    peak = content.timeline.peaks[0]
    rows = [(_site(site, content.folder), bytes_text(site.held_bytes)) for site in peak.sites]
    title = f"What was live at the peak, at {time_text(peak.time_ns)}"
    body = table(("site", "live"), rows, right=1)
    return f"<details><summary>{title}</summary>\n\n{body}\n\n</details>"


def _site(site: Hotspot, folder: str) -> str:
    where = place_text(site.file, site.line, folder)
    return code(function_text(site.function)) + (f"<br>{code(where)}" if where else "")


def _how(content: Content) -> str:
    if content.summary.is_exact:
        return "Every allocation was recorded."
    samples = format_count(content.summary.samples)
    return (
        f"Estimates from {samples} samples; ± is half the width of the 95 % interval, "
        "\\~ marks too few samples."
    )
