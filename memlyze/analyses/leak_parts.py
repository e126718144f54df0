"""Which sites are parts of one leak: by what they left behind, the same object has grown."""

from __future__ import annotations

import collections
import typing

from memlyze.analyses.estimates import Estimate
from memlyze.analyses.leak_sites import Leak, LeakSite
from memlyze.analyses.nesting import in_leaks
from memlyze.analyses.references import References
from memlyze.query.session import Trace


def by_leak(
    trace: Trace,
    sites: list[LeakSite],
    references: References,
    site_stacks: list[list[int]],
) -> list[LeakSite]:
    """The sites with the leak that each is a part of; those that grow in the order of leaks."""
    growing = [number for number, site in enumerate(sites) if site.verdict == "growing"]
    leaks_in_order = in_leaks(
        trace,
        [_held_by(sites[n]) for n in growing],
        [references.live_blocks(sites[n].process_id, site_stacks[n]) for n in growing],
        [sites[n].growth_bytes_per_second.value for n in growing],
        [sites[n].survival for n in growing],
    )
    ordered = list(sites)
    places = iter(growing)
    for leak, parts in enumerate(leaks_in_order, start=1):
        for part in parts:
            ordered[next(places)] = sites[growing[part]]._replace(leak=leak)
    freed: dict[typing.Hashable, int] = {}
    for number, site in enumerate(sites):
        if site.grew_until_freed:
            leak = len(leaks_in_order) + len(freed) + 1
            leak = freed.setdefault(_held_by(site) or number, leak)
            ordered[number] = site._replace(leak=leak)
    return ordered


def growing_leaks(growing: typing.Sized, sites: list[LeakSite]) -> int | None:
    """How many leaks the sites are that grow; None: not all `growing` are among them."""
    leaks = [site.leak for site in sites if site.verdict == "growing"]
    return len(set(leaks)) if len(leaks) == len(growing) else None


def totals_of_leaks(sites: list[LeakSite]) -> tuple[Leak, ...]:
    """What the sites of each leak have together, in the order of the numbers of these."""
    parts: dict[int, list[LeakSite]] = {}
    for site in sites:
        if site.leak is not None:
            parts.setdefault(site.leak, []).append(site)
    return tuple(
        Leak(
            leak,
            len(of_leak),
            Estimate.sum(site.live_bytes for site in of_leak),
            Estimate.sum(site.growth_bytes_per_second for site in of_leak),
        )
        for leak, of_leak in sorted(parts.items())
    )


def most_of_each(sites: list[LeakSite], count: int) -> list[LeakSite]:
    """The first of the sites of a verdict; of leaks that grow the first, and of each its first."""
    if not sites or sites[0].verdict != "growing":
        return sites[:count]
    of_leak: collections.Counter[int | None] = collections.Counter()
    kept = []
    for site in sites:
        of_leak[site.leak] += 1
        if len(of_leak) <= count and of_leak[site.leak] <= count:
            kept.append(site)
    return kept


def _held_by(site: LeakSite) -> typing.Hashable:
    """What tells the object that has grown by what a site left behind; None: none has."""
    if site.holders is None or site.holders.container_id is None:
        return None
    return site.process_id, site.holders.time_ns, site.holders.container_id
