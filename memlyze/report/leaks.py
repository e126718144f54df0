"""The leaks, in the page: a card for each suspect, and all verdicts in a table."""

from __future__ import annotations

from memlyze.analyses.call_stacks import Frame
from memlyze.analyses.ended_growth import StoppedGrowth
from memlyze.analyses.leak_sites import LeakSite
from memlyze.analyses.leaks import VERDICTS
from memlyze.report.chart import sparkline
from memlyze.report.content import Content
from memlyze.report.figures import bytes_text, function_text, percent, place_text, time_text
from memlyze.report.markup import Element, h, name, place, readable
from memlyze.wording.leaks import (
    TOO_FEW_TEXT,
    WORDS,
    confidence_text,
    freed_growth_text,
    growing_text,
    held_by_lines,
    live_word,
    more_suspects_text,
    pause_text,
    processes_text,
    stopped_growth_command,
    stopped_growth_text,
    total_text,
)
from memlyze.wording.units import format_duration, plural
from memlyze.wording.unseen import unseen_text

_STACK_FRAMES = 12
_LONGEST_CHAIN = 400


def leaks_section(content: Content) -> Element:
    """What grows without bound, and what merely stays."""
    found = content.leaks
    judged = sum(found.judged.values())
    growing, freed = found.judged["growing"], found.grew_until_freed
    if not judged:
        headline = "Nothing to judge: no site ever held enough, as far as was recorded."
    elif growing:
        headline = f"{growing_text(found)}."
    elif freed.sites:
        headline = "No site grows without bound to the end."
    else:
        headline = f"None of {plural(judged, 'site', 'sites')} grows without bound."
    if freed.sites:
        headline += f" {freed_growth_text(freed)}."
    suspects = found.suspects()
    kind = "bad" if growing or freed.sites else "good" if judged else "quiet"
    children = [h("h2", None, "Leaks"), h("p", {"class": kind}, headline)]
    for first, *parts in found.suspects_by_leak():
        children.append(_card(first, content.folder))
        if parts:
            children.append(_parts(parts, total_text(found, first), content.folder))
    more = more_suspects_text(found)
    if more is not None:
        children.append(h("p", {"class": "quiet"}, more))
    others = [site for site in found.sites if site not in suspects]
    if others:
        children.append(_others(others, content.folder, is_open=not suspects))
    if found.grew_until_stopped.sites:
        children.append(_stopped(found.grew_until_stopped, content.folder))
    if found.judged["too_few_samples"] and not found.is_exact:
        children.append(h("p", {"class": "quiet"}, TOO_FEW_TEXT))
    if found.unseen is not None:
        children.append(h("p", None, unseen_text(found.unseen)))
    return h("section", {"id": "leaks"}, *children)


def _stopped(stopped: StoppedGrowth, folder: str) -> Element:
    position = place_text(stopped.file or "", stopped.line, folder)
    where = f"{function_text(stopped.function or '')} {position}".strip()
    text = f"{stopped_growth_text(stopped, readable(where))} {stopped_growth_command(stopped)}."
    return h("p", {"class": "quiet"}, text)


def _card(site: LeakSite, folder: str) -> Element:
    watched = site.judged_until_ns - site.growing_since_ns
    if site.grew_until_freed:
        freed = f"{bytes_text(site.peak_bytes)}, until it was freed at "
        size = ("at peak", freed + time_text(site.judged_until_ns))
    else:
        size = (live_word(site), bytes_text(site.live_bytes))
    facts = [
        size,
        (
            "grew by" if site.grew_until_freed else "grows by",
            f"{bytes_text(site.growth_bytes_per_second)} per second",
        ),
        ("since", f"{time_text(site.growing_since_ns)}, watched for {format_duration(watched)}"),
        ("survives", f"{percent(site.survival)} of what was allocated"),
        ("confidence", confidence_text(site)),
    ]
    if len(site.process_ids) > 1:
        facts.append(("found", processes_text(site)))
    pause = pause_text(site)
    if pause is not None:
        facts.append(("lately", pause))
    if site.growth_bytes_per_window is not None:
        left = f"{bytes_text(site.growth_bytes_per_window)} of it in each "
        facts.append(("leaves behind", left + (site.window_name or "window")))
    return h(
        "article",
        {"class": "suspect"},
        h(
            "h3",
            None,
            h("code", None, name(function_text(site.function))),
            h("small", None, place(place_text(site.file, site.line, folder))),
        ),
        sparkline(site.curve),
        h(
            "dl",
            None,
            *(
                h("div", None, h("dt", None, label), h("dd", None, name(value)))
                for label, value in facts
            ),
        ),
        _chains(site),
        _stack(site.stack, folder),
    )


def _parts(sites: list[LeakSite], total: str | None, folder: str) -> Element:
    """The other sites of a leak, below the card of its first."""
    summary = f"Held with it: {plural(len(sites), 'more site', 'more sites')}"
    if total is not None:
        summary += f"; in all {total}"
    cards = (_card(site, folder) for site in sites)
    return h("details", {"class": "parts"}, h("summary", None, summary), *cards)


def _chains(site: LeakSite) -> Element:
    """Who holds it, or why that is not known."""
    lines = held_by_lines(site)
    items = (h("li", None, h("code", None, name(line, _LONGEST_CHAIN))) for line in lines)
    return h("div", {"class": "chain"}, h("h4", None, "held by"), h("ul", None, *items))


def _stack(stack: tuple[Frame, ...], folder: str) -> Element | None:
    if len(stack) < 2:
        return None
    lines = [
        h(
            "li",
            {"class": "origin-" + frame.origin.replace(" ", "-")},
            h("code", None, name(function_text(frame.function))),
            h("small", None, place(place_text(frame.file, frame.line, folder))),
        )
        for frame in stack[:_STACK_FRAMES]
    ]
    if len(stack) > _STACK_FRAMES:
        lines.append(h("li", {"class": "quiet"}, f"and {len(stack) - _STACK_FRAMES} more"))
    return h(
        "details",
        None,
        h("summary", None, "Where it is allocated"),
        h("ol", {"class": "stack"}, *lines),
    )


def _others(sites: list[LeakSite], folder: str, *, is_open: bool) -> Element:
    rows = [
        h(
            "tr",
            None,
            h(
                "td",
                None,
                h("code", None, name(function_text(site.function))),
                h("small", None, place(place_text(site.file, site.line, folder))),
            ),
            h("td", None, WORDS[site.verdict]),
            h("td", {"class": "curve"}, sparkline(site.curve)),
            h("td", {"class": "n"}, bytes_text(site.live_bytes)),
            h("td", {"class": "n"}, percent(site.survival)),
        )
        for verdict in VERDICTS
        for site in sites
        if site.verdict == verdict
    ]
    heads = ("site", "verdict", "live over time", "not freed", "survives")
    head = h(
        "tr",
        None,
        *(h("th", {"class": "n"} if text in heads[3:] else None, text) for text in heads),
    )
    return h(
        "details",
        {"open": "open"} if is_open else None,
        h("summary", None, "What does not grow, or not yet for sure"),
        h(
            "div",
            {"class": "wide"},
            h("table", None, h("thead", None, head), h("tbody", None, *rows)),
        ),
    )
