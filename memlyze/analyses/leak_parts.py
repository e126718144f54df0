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
    """By site what tells the object that has grown by what it left behind; None: none has.

    Where several have grown by what a site left, what only one of them has and what these
    themselves take are parts of the leak that the first stands for.
    """
    first_of: dict[typing.Hashable, typing.Hashable] = {}
    for site in sites:
        for container in site.holders.containers if site.holders else ():
            first_of.setdefault(_named(site, container.object_id), _container(site))
    held_by = []
    for site in sites:
        holder = _container(site)
        if site.holders and not site.holders.containers:
            own = {first_of.get(_named(site, number)) for number in site.holders.object_ids}
            holder = (
                own.pop() if len(own) == 1 and None not in own else first_of.get(holder, holder)
            )
        held_by.append(holder)
    return held_by


def _container(site: LeakSite) -> typing.Hashable:
    if site.holders is None or site.holders.container_id is None:
        return None
    return _named(site, site.holders.container_id)


def _named(site: LeakSite, object_id: int) -> typing.Hashable:
    """What tells an object from those of other processes and other checkpoints."""
    assert site.holders is not None
    return site.process_id, site.holders.time_ns, object_id
