"""What is said of leaks: verdicts, and who holds a suspect."""

from __future__ import annotations

from memlyze.analyses.containers import NEARLY_ALL as _NEARLY_ALL
from memlyze.analyses.containers import Container
from memlyze.analyses.ended_growth import FreedGrowth, StoppedGrowth
from memlyze.analyses.leak_sites import Leaks, LeakSite
from memlyze.analyses.references import Chain, Holder, Holders
from memlyze.wording.figures import figure
from memlyze.wording.names import printable
from memlyze.wording.units import format_bytes, format_duration, plural

#: A way that leads to so much is shown for being the shortest.
_TELLING = 0.05
#: So many blocks of C code for each Python object: what is known of the objects says little.
_MOSTLY_C = 3
#: So few of them do not matter.
_SOME_C = 0.05
#: A gap between samples that is as likely as this says nothing.
_BY_CHANCE = 0.05
#: What would be shown as 0 %.
_LEAST_SHARE = 0.005
#: Of the time in which it was watched: so long before its end much was not there yet.
_LONG_BEFORE = 0.1
#: Above this share it is said that to let go of what is named frees nothing.
_MOSTLY_SHARED = 0.5
#: How a chain begins that nobody holds.
_HELD_BY = "held by "
#: What may be proposed for `checkpoint_interval_s`.
_INTERVALS_S = ("10", "5", "2", "1", "0.5", "0.2")
#: Above this share, a rounded figure would claim certainty.
_NEARLY_SURE = 0.995

#: What the verdicts are called.
WORDS = {
    "growing": "growing without bound",
    "warming_up": "still warming up",
    "too_few_samples": "too few samples",
    "freed_late": "freed in one go",
    "sawtooth": "rises and falls",
    "bounded": "bounded",
    "one_time": "built once, and stays",
}


#: What to do where sites could not be judged.
TOO_FEW_TEXT = (
    "Sites with too few samples may hide a slow leak: record for longer, with a greater "
    "--sample-rate or a smaller --sample-interval."
)


def growing_text(found: Leaks) -> str:
    """How many sites grow, and how fast; a sentence without its end."""
    sites = plural(found.judged["growing"], "site grows", "sites grow")
    text = f"{sites} without bound, by {figure(found.growth_bytes_per_second)} per second"
    if found.growing_leaks is None or found.growing_leaks == found.judged["growing"]:
        return text
    return f"{text}: {plural(found.growing_leaks, 'leak', 'leaks')}, by what holds them"


def total_text(found: Leaks, site: LeakSite) -> str | None:
    """What the leak has in all of which a growing site is the first; None: it is all of it."""
    total = next((leak for leak in found.leaks if leak.leak == site.leak), None)
    if total is None or total.sites < 2 or site.grew_until_freed:
        return None
    return (
        f"{total.sites} sites, {figure(total.live_bytes)} {live_word(site)}, "
        f"growing by {figure(total.growth_bytes_per_second)} per second"
    )


def part_text(site: LeakSite) -> str:
    """How much a site has of a leak of which it is not the first."""
    growth = f"{figure(site.growth_bytes_per_second)} per second"
    if site.grew_until_freed:
        return f"{figure(site.peak_bytes)} at peak, grew by {growth}"
    return f"{figure(site.live_bytes)} {live_word(site)}, growing by {growth}"


def more_suspects_text(found: Leaks) -> str | None:
    """How many sites grow, or did until they were freed, that are not among those returned."""
    growing, freed = found.judged["growing"], found.grew_until_freed.sites
    left = growing + freed - len(found.suspects())
    if left <= 0:
        return None
    did = "grow" if not freed else "grew until they were freed" if not growing else "grow, or did"
    return f"and {left} more that {did}"


def processes_text(site: LeakSite) -> str:
    """Where a site is, of several processes."""
    count = len(site.process_ids)
    if count == 1:
        return f"process {site.process_id}"
    at_once = f", {site.processes_at_once} at once" if site.is_of_successors else ""
    return f"in {count} processes{at_once}"


def live_word(site: LeakSite) -> str:
    """What `live_bytes` are: of processes that followed each other all of it was never live."""
    return "left in all" if site.is_of_successors else "live"


def curve_word(site: LeakSite) -> str:
    """Over what the curve of a site goes."""
    return "over each life" if site.is_of_successors else "over time"


def confidence_text(site: LeakSite) -> str:
    """How sure a verdict is; nothing seen from outside is so for certain."""
    if site.confidence > _NEARLY_SURE:
        return "over 99 %"
    return f"{100 * site.confidence:.0f} %"


def pause_text(site: LeakSite) -> str | None:
    """For how long a site that grows was not seen to grow, where that is worth a word: samples have
    such gaps by chance.
    """
    if not site.pause_ns or (1 - site.pause_ns / site.watched_ns) ** site.live_samples > _BY_CHANCE:
        return None
    return f"not seen to grow for the last {format_duration(site.pause_ns)}"


def freed_growth_text(freed: FreedGrowth) -> str:
    """That, and when, sites that grew were let go; a sentence without its end."""
    times = [format_duration(moment or 0) for moment in (freed.first_freed_ns, freed.last_freed_ns)]
    moment = f"at {times[0]}" if times[0] == times[1] else f"from {times[0]} to {times[1]}"
    sites = plural(freed.sites, "site", "sites")
    return (
        f"{sites} grew until the program let go of {'it' if freed.sites == 1 else 'them'} "
        f"{moment}, {figure(freed.peak_bytes)} in all, by "
        f"{figure(freed.growth_bytes_per_second)} per second: a leak, if the program is meant to "
        "run on"
    )


def stopped_growth_text(stopped: StoppedGrowth, place: str) -> str:
    """That sites grew and stopped, and which has most, at `place`: a sentence that goes on with
    `stopped_growth_command`.
    """
    if stopped.began_ns is not None:
        began, ended = format_duration(stopped.began_ns), format_duration(stopped.stopped_ns or 0)
        return (
            f"{place} has {figure(stopped.live_bytes)} of what is live; it grew from {began} to "
            f"{ended}, and not since: a leak, if that was work which comes again, such as requests "
            "or tasks; that time alone:"
        )
    sites = plural(stopped.sites, "site", "sites")
    moment, size = format_duration(stopped.stopped_ns or 0), figure(stopped.live_bytes)
    which = f"{place}, {size}" if stopped.sites == 1 else f"{size} in all, most of it {place}"
    return (
        f"{sites} grew for most of the time and had stopped by {moment}: {which}; "
        "what ran until then:"
    )


def stopped_growth_command(stopped: StoppedGrowth) -> str:
    """What to type to judge what ran until growth had stopped, without the traces."""
    stopped_s = (stopped.stopped_ns or 0) / 1e9
    if stopped.began_ns is not None:
        return f"memlyze leaks --time {stopped.began_ns / 1e9:.12g}s..{stopped_s:.12g}s"
    return f"memlyze leaks --time ..{stopped_s:.4g}s"


def held_by_lines(site: LeakSite) -> list[str]:
    """Who holds what a site allocated, or why that is not known and what to do."""
    checkpoint_ns = site.checkpoint_ns
    is_late = checkpoint_ns is not None and checkpoint_ns > site.judged_until_ns
    is_late &= site.grew_until_freed
    # Of what was freed some crumbs may be left, of which no object is known.
    if site.holders is not None and not (is_late and site.holders.shortest is None):
        return _holder_lines(site)
    if site.is_checkpoint_damaged:
        return [
            f"not known: the heap of process {site.process_id} was recorded, and a part of it is "
            "damaged in the trace; copy the trace anew, or record again"
        ]
    ways = (
        f"record with --checkpoint-interval-s {_interval_s(site.judged_until_ns)} (taken when the "
        "garbage collector runs; where it does not, none is), call memlyze.checkpoint(), or set "
        "checkpoint_signal and send it"
    )
    if checkpoint_ns is None:
        why = f"of process {site.process_id} no heap was recorded"
        if site.process_ended_by in ("SIGTERM", "SIGHUP"):
            why += f": it was ended by {site.process_ended_by}"
            # What a recorded program has started it may end itself, as a pool does its workers. To
            # the workers of a server ^C is the SIGTERM of the process that started them.
            if site.process_started_by:
                ways = (
                    f"let it end by itself (workers of a Pool: pool.close(), pool.join()), {ways}"
                )
            elif len(site.process_ids) == 1:
                ways = f"end it by ^C (SIGINT), {ways}"
    else:
        why = f"the heap was recorded at {format_duration(checkpoint_ns)}, "
        why += "after it was freed" if is_late else "when nothing of it was there"
    return [f"not known: {why}; {ways}"]


def _interval_s(lasted_ns: int) -> str:
    """After how many seconds to take the first checkpoint of what lasts so long: several of them
    are to come, and none of a program that has hardly begun.
    """
    return next((text for text in _INTERVALS_S if float(text) * 4e9 <= lasted_ns), _INTERVALS_S[-1])


def _holder_lines(site: LeakSite) -> list[str]:
    holders = site.holders
    assert holders is not None
    blocks = plural(holders.blocks_without_object, "block", "blocks")
    of_c_code = f"{blocks} of C code, which Python objects may own: they do not say so"
    if holders.shortest is None:
        return [f"not known: {of_c_code}"]
    lines = []
    has_c_code = holders.blocks_without_object > _SOME_C * holders.objects
    is_mostly_c = holders.blocks_without_object >= _MOSTLY_C * holders.objects
    if is_mostly_c:
        lines.append(f"not known for the most part: {of_c_code}; beside them")
    if holders.holder is not None:
        where = f" in process {site.process_id}" if len(site.process_ids) > 1 else ""
        freed = _freed(holders.holder, where, has_c_code)
        lines.append(f"{_way(holders.holder.text)}, with which {freed}")
    if holders.containers:
        lines += _container_lines(holders)
    elif holders.holder is None and holders.shared_share >= _MOSTLY_SHARED:
        share = f"{100 * holders.shared_share:.0f} %"
        lines.append(f"several at once: {share} of it stays if only one of them lets go")
    shown = list(holders.chains[:2])
    # The shortest way to one of thousands tells nothing where the others are held otherwise.
    is_telling = holders.shortest.share >= min(_TELLING, holders.chains[0].share)
    if is_telling and all(chain.text != holders.shortest.text for chain in shown):
        shown.append(holders.shortest)
        shown.sort(key=lambda chain: -chain.share)
    # Rows of 0 % are of single objects among hundreds; one is shown where there is no other.
    telling = [chain for chain in shown if chain.share >= _LEAST_SHARE]
    lines += [_chain(chain) for chain in telling or shown[:1]]
    kinds = [
        f"{plural(kind.objects, 'object', 'objects')} of {kind.type}" for kind in holders.types[:3]
    ]
    lines.append("recorded of it: " + ", ".join(kinds))
    if has_c_code and not is_mostly_c:
        lines.append(f"and {of_c_code}")
    if site.checkpoint_ns is not None and holders.time_ns < site.checkpoint_ns:
        lines.append(f"as it was at {format_duration(holders.time_ns)}, at an earlier checkpoint")
    elif site.judged_until_ns - holders.time_ns > _LONG_BEFORE * site.watched_ns:
        lines.append(f"as it was at {format_duration(holders.time_ns)}, at its last checkpoint")
    return lines


def _container_lines(holders: Holders) -> list[str]:
    """The objects which each have what a site left behind."""
    containers = holders.containers
    if len(containers) == 1:
        return [_container_line(containers[0])]
    others = "" if holders.are_all_containers else ", and others; as far as they were found"
    where = "in it " if holders.holder is not None and holders.holder.has_nearly_all else ""
    is_in_each = all(container.share >= _NEARLY_ALL for container in containers)
    what = "it" if is_in_each else "what is in several"
    heading = f"{where}{len(containers)} at once{others}: {what} stays until each of them lets go"
    if holders.freed_with_containers:
        heading += f" of it, and then {format_bytes(holders.freed_with_containers)} would be freed"
    else:
        heading += " of it"
    return [heading, *map(_container_line, containers)]


def _container_line(container: Container) -> str:
    several = f" ({container.objects} of these)" if container.object_id is None else ""
    return f"{100 * container.share:.0f} % of it in  {_way(container.text)}{several}"


def _freed(holder: Holder, where: str, has_c_code: bool) -> str:
    """What would be freed with the one object that holds most of a site. What objects have from C
    code is in none of their sizes.
    """
    size = format_bytes(holder.retained_bytes)
    of_objects = " of Python objects" if has_c_code else ""
    if holder.has_nearly_all:
        freed = f"{size}{of_objects} would be freed{where}"
    else:
        share = f"{100 * holder.share:.0f} % of {'these' if has_c_code else 'it'}"
        freed = f"{share} would be freed{where}, {size}{of_objects} in all"
    return f"{freed}, and what C code has for them" if has_c_code else freed


def _chain(chain: Chain) -> str:
    share = f"{100 * chain.share:.0f} %" if chain.share >= _LEAST_SHARE else "<1 %"
    return f"{share}  {_way(chain.text)}"


def _way(text: str) -> str:
    """A chain below the heading that something is held by it."""
    return printable(text[len(_HELD_BY) :] if text.startswith(_HELD_BY) else text)
