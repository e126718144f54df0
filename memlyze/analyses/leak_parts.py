"""Which sites are parts of one leak: by what they left behind, the same object has grown."""

from __future__ import annotations

import collections
import typing

from memlyze.analyses.estimates import Estimate
from memlyze.analyses.leak_sites import Leak, LeakSite
from memlyze.analyses.nesting import in_leaks
from memlyze.analyses.references import References
from memlyze.query.session import Trace

_MOST = 0.5


def by_leak(
    trace: Trace,
    sites: list[LeakSite],
    references: References,
    site_stacks: list[list[int]],
) -> list[LeakSite]:
    """The sites with the leak that each is a part of; those that grow in the order of leaks."""
    growing = [number for number, site in enumerate(sites) if site.verdict == "growing"]
    held_by = _held_by(sites)
    leaks_in_order = in_leaks(
        trace,
        [held_by[n] for n in growing],
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
            leak = freed.setdefault(held_by[number] or number, leak)
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


def _held_by(sites: list[LeakSite]) -> list[typing.Hashable]:
    """By site what tells the objects that have grown by what it left behind; None: none has, or it
    is no leak.

    Sites are parts of one leak where the same have grown by them. What only some of these have, and
    what they themselves take, is a part of it, too. So is what several alike have beneath an object
    that has grown by another site: of a few samples, those alike are not seen to be several.
    """
    grown = [_grown(site) for site in sites]
    alone = {name for of_site in grown if len(of_site) == 1 for name in of_site}
    grown = [of_site | (_holder_of_alike(site) & alone) for site, of_site in zip(sites, grown)]
    held_by: list[typing.Hashable] = [None] * len(sites)
    leaks: list[frozenset[typing.Hashable]] = []
    for number in sorted(range(len(sites)), key=lambda number: -len(grown[number])):
        of_site = grown[number]
        leak = next((leak for leak in leaks if of_site and of_site <= leak), None)
        if leak is None and of_site and not _are_themselves(sites[number]):
            leak = of_site
            leaks.append(leak)
        held_by[number] = leak
    return held_by


def _grown(site: LeakSite) -> frozenset[typing.Hashable]:
    """The objects that have grown by what a site left, told from those of other heaps; or these
    objects, where they are but a few.
    """
    holders = site.holders
    if holders is None or not (site.verdict == "growing" or site.grew_until_freed):
        return frozenset()
    names = [one.identity for one in holders.containers if one.share > _MOST]
    if holders.container_id is not None:
        names.append(holders.container_id)
    names = names or list(holders.object_ids)
    return frozenset((site.process_id, holders.time_ns, name) for name in names)


def _holder_of_alike(site: LeakSite) -> frozenset[typing.Hashable]:
    """The object that holds nearly all of a site, where it is in several alike beneath that."""
    holders = site.holders
    if holders is None or holders.holder is None or not holders.holder.has_nearly_all:
        return frozenset()
    if not all(one.object_id is None for one in holders.containers):
        return frozenset()
    return frozenset([(site.process_id, holders.time_ns, holders.holder.object_id)])


def _are_themselves(site: LeakSite) -> bool:
    """Whether nothing is known to have grown by what a site left but these few objects."""
    holders = site.holders
    return holders is not None and holders.container_id is None and not holders.containers
