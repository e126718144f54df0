"""What grows without bound, what stays, and how sure that is: `docs/leaks.md`."""

from __future__ import annotations

import collections
import contextlib
import json
import math
import typing

from memlyze.analyses.attribute_names import are_let_go_by_checkpoint
from memlyze.analyses.call_stacks import Frame, frames_of_stacks, stacks_at
from memlyze.analyses.changed_places import takes_the_place_of_others
from memlyze.analyses.ended_growth import (
    FreedGrowth,
    StoppedGrowth,
    freed_growth,
    greatest_of_a_phase,
    phase_of,
    stopped_growth,
    stopped_in_phase,
)
from memlyze.analyses.estimates import Estimate
from memlyze.analyses.free_lists import may_be_in_free_lists, seems_to_fill_free_lists
from memlyze.analyses.garbage import was_in_use
from memlyze.analyses.nesting import in_leaks
from memlyze.analyses.references import Holders, References
from memlyze.analyses.sampling import sampling_of
from memlyze.analyses.selection import END_NS
from memlyze.analyses.timeline import last_moment_ns
from memlyze.analyses.unseen_memory import UnseenMemory, unseen_memory
from memlyze.errors import MemlyzeError
from memlyze.query.leaks.verdicts import VERDICTS as VERDICTS
from memlyze.query.origins import is_import_machinery
from memlyze.query.raw_tables import LEAKS
from memlyze.query.session import Trace

# Of these it matters who holds what stays.
_EXPLAINED = ("growing", "warming_up", "too_few_samples")
SITE_KINDS = ("line", "function", "stack")
_MOSTLY = 0.75
_OFTEN = 0.25
#: A pause at the end is spoken of where it is so great a share of the time that a site grew.
_NOTABLE = 0.2
#: The call stack of what was allocated while no Python code ran, which is at no place.
_NO_FRAMES = 0
#: As good as at the end of what was watched: within this share of it.
_SOON = 0.02
_PLACE = ("function", "file", "line")
#: Of so many growing sites it is asked which of them are parts of one leak.
_ASKED = 60


class Cohort(typing.NamedTuple):
    """What a site allocated in one part of the process's life, and what of it stays."""

    start_ns: int
    allocated: int
    """Bytes (an estimate while sampling)."""
    surviving: int
    """Of `allocated`, live at `judged_until_ns`."""


class LeakSite(typing.NamedTuple):
    """One site of one process, and what is to be thought of it. Times are nanoseconds since the
    start of the trace.
    """

    function: str
    file: str
    line: int
    """0 where sites are functions, or it is many lines that grow together."""
    origin: str
    process_id: int
    """The first of `process_ids`, or the first of them that has a checkpoint."""
    process_ids: tuple[int, ...]
    """The processes in which something of it stays, the one that has most of it first. Those that
    are alike, such as the workers of a server, are judged as one: see `docs/leaks.md`.
    """
    verdict: str
    """One of `VERDICTS`."""
    grew_until_freed: bool
    """Whether it is `freed_late`, near the end of the program, and passed all tests of growth up to
    then (`judged_until_ns`): a leak, if the program is meant to run on.
    """
    confidence: float
    """From 0 to 1."""
    p_value: float
    """Chance that such growth is an accident, corrected for all the sites that were tested."""
    live_bytes: Estimate
    """When recording ended."""
    peak_bytes: Estimate
    """When most was live."""
    growth_bytes_per_second: Estimate
    """Over the last two thirds of the time between the next two."""
    growing_since_ns: int
    judged_until_ns: int
    last_growth_ns: int
    """When it was seen to grow for the last time."""
    growth_bytes_per_window: Estimate | None
    """What a window of `window_name` leaves behind of this site, on average of all of these
    windows; None: made in no window. (What `windows` tells is of all sites, and of a part of the
    windows.)
    """
    window_name: str | None
    first_ns: int
    """When it was first seen to allocate."""
    survival: float
    """Share of the bytes allocated that were live at `judged_until_ns`, from 0 to 1."""
    cohorts: tuple[Cohort, ...]
    """By time of birth, in order."""
    curve: tuple[int, ...]
    """Live bytes over the life of the process, at equal distances."""
    collected_share: float
    """Of what was freed after a while, the share that the garbage collector freed."""
    samples: int
    live_samples: int
    stack: tuple[Frame, ...]
    """The call stack that most of it comes from, innermost frame first."""
    holders: Holders | None
    """Who holds what was live at the last checkpoint (of a site that `grew_until_freed`, at the
    one that saw most of it); None: there is none, or nothing was.
    """
    checkpoint_ns: int | None
    """When the last checkpoint of its process was taken that can be read; None: there is none."""
    is_checkpoint_damaged: bool
    """Whether there is none only because the trace is damaged: who holds it cannot be known."""
    process_started_by: str | None
    """How another recorded process started it, as in the view `processes`; None: none did."""
    process_ended_by: str | None
    """How its process ended, as in the view `processes`; None: not known."""
    leak: int | None
    """Which leak the site is a part of, from 1 on: by what the sites of one left behind the same
    object has grown (`container_id`). None: it is no suspect.
    """

    @property
    def is_suspect(self) -> bool:
        """Whether it grows, or did until it was freed."""
        return self.verdict == "growing" or self.grew_until_freed

    @property
    def watched_ns(self) -> int:
        """For how long it was judged since it began to grow."""
        return self.judged_until_ns - self.growing_since_ns

    @property
    def pause_ns(self) -> int:
        """For how long it has not grown any more, where that is a fifth of the time that it was
        watched, or more; else 0.
        """
        pause_ns = self.judged_until_ns - self.last_growth_ns
        return pause_ns if pause_ns >= _NOTABLE * self.watched_ns else 0


class Leak(typing.NamedTuple):
    """What the suspects of one leak have together, also those that are not returned."""

    leak: int
    """Its number, as its sites have it."""
    sites: int
    live_bytes: Estimate
    """When recording ended."""
    growth_bytes_per_second: Estimate


class Leaks(typing.NamedTuple):
    """The verdicts on a trace."""

    site_kind: str
    is_exact: bool
    """Whether every allocation was recorded."""
    judged: dict[str, int]
    """How many sites have each verdict."""
    growing_leaks: int | None
    """How many leaks those are that grow: what one object holds is one. None: not known, as so many
    sites grow that not of all it was asked who holds them.
    """
    leaks: tuple[Leak, ...]
    """Those of the suspects of which it was asked who holds them, in the order of their numbers."""
    growth_bytes_per_second: Estimate
    """Of all growing sites together."""
    grew_until_freed: FreedGrowth
    """What is not growing at the end only because the program let go of it."""
    grew_until_stopped: StoppedGrowth
    """What grew and stopped before the end of the recording; its verdict is `one_time`."""
    unseen: UnseenMemory | None
    """What may have leaked where nothing of it is seen; None: little, if anything."""
    sites: tuple[LeakSite, ...]
    """Those that need attention first; of each verdict the greatest first. Of sites that grow about
    as fast, what holds the others comes first; those of one leak follow its first.
    """

    def having(self, verdict: str) -> tuple[LeakSite, ...]:
        """The returned sites with this verdict."""
        return tuple(site for site in self.sites if site.verdict == verdict)

    def suspects(self) -> tuple[LeakSite, ...]:
        """The returned sites that grow, and after them those that did until they were freed."""
        freed = (site for site in self.sites if site.grew_until_freed)
        return (*self.having("growing"), *freed)

    def suspects_by_leak(self) -> tuple[tuple[LeakSite, ...], ...]:
        """The suspects, those of one leak together: the site to look at first, and the others."""
        by_leak: dict[int | None, list[LeakSite]] = {}
        for site in self.suspects():
            by_leak.setdefault(site.leak, []).append(site)
        return tuple(map(tuple, by_leak.values()))


def leaks(
    trace: Trace,
    *,
    site: str = "line",
    count: int = 20,
    verdicts: typing.Collection[str] = VERDICTS,
    process_id: int | None = None,
    from_ns: int = 0,
    to_ns: int = END_NS,
) -> Leaks:
    """Judge every site of `trace`, whatever state it is in: an empty one has none.

    Args:
        site: what a site is: a `line` of the program, a `function` or a whole call `stack`.
        count: how many sites to return of each verdict; of those that grow, of how many leaks, and
            of each of these so many.
        verdicts: return only sites with one of these.
        process_id: return only the sites of which this process has something.
        from_ns, to_ns: judge only what happened from one moment to before another, in nanoseconds
            since the start of the trace.

    Raises MemlyzeError for a kind of site or a verdict that does not exist.
    """
    _check("site", [site], SITE_KINDS)
    _check("verdict", verdicts, VERDICTS)
    is_whole = from_ns <= 0 and to_ns >= END_NS
    with contextlib.nullcontext() if is_whole else trace.judging(from_ns, to_ns):
        rows = _rows(trace, site)
    if process_id is not None:
        rows = [row for row in rows if process_id in row["process_ids"]]
    by_verdict = {
        verdict: [row for row in rows if row["verdict"] == verdict] for verdict in VERDICTS
    }
    chosen = [
        row
        for verdict in VERDICTS
        if verdict in verdicts or verdict == "growing"
        for row in by_verdict[verdict][: max(count, _ASKED) if verdict == "growing" else count]
    ]
    stacks = frames_of_stacks(trace, [row["stack_id"] for row in chosen])
    references = References(trace)
    site_stacks = _stacks_of_sites(trace, site, chosen)
    for row, of_site in zip(chosen, site_stacks):
        recorded = (number for number in row["process_ids"] if references.has(number))
        row["process_id"] = next(recorded, row["process_id"])
        # A full run of the collector, as at the end of a program, empties free lists at once.
        if row["grew_until_freed"] and (
            seems_to_fill_free_lists(trace, of_site, row["last_growth_ns"], row["survival"])
            or are_let_go_by_checkpoint(trace, of_site, row["last_growth_ns"])
        ):
            row["grew_until_freed"] = False
    sites = [
        _with_holders(_site(row, stacks.get(row["stack_id"], ())), references, of_site)
        for row, of_site in zip(chosen, site_stacks)
    ]
    sites = _with_ends(trace, sites, references)
    freed = freed_growth(by_verdict["freed_late"])
    stopped = stopped_growth(
        by_verdict["one_time"], max(from_ns, 0), min(to_ns, last_moment_ns(trace))
    )
    for number, of_row in enumerate(sites):
        verdict = _with_hindsight(trace, of_row, references, site_stacks[number])
        if verdict != of_row.verdict:
            sites[number] = of_row._replace(verdict=verdict)
            by_verdict[of_row.verdict].remove(chosen[number])
            by_verdict[verdict].append(chosen[number])
    growing = by_verdict["growing"]
    if is_whole and not (growing or freed.sites or stopped.sites):
        stopped = _growth_in_a_phase(trace, site, rows) or stopped
    sites = _by_leak(trace, sites, references, site_stacks)
    return Leaks(
        site_kind=site,
        is_exact=sampling_of(trace).is_exact,
        judged={verdict: len(of_verdict) for verdict, of_verdict in by_verdict.items()},
        growing_leaks=_leaks_of(growing, sites),
        leaks=_totals(sites),
        growth_bytes_per_second=Estimate.sum(
            Estimate(row["growth_bytes_per_second"], row["growth_error"]) for row in growing
        ),
        grew_until_freed=freed,
        grew_until_stopped=stopped,
        unseen=unseen_memory(trace),
        sites=tuple(
            of_verdict
            for verdict in VERDICTS
            if verdict in verdicts
            for of_verdict in _most([site for site in sites if site.verdict == verdict], count)
        ),
    )


def _rows(trace: Trace, kind: str) -> list[dict[str, typing.Any]]:
    """What the macro `leaks()` says of each site, in the same order: it is asked without DuckDB,
    which would take longer to be loaded than to answer.
    """
    columns = trace.made_table(LEAKS[kind])
    columns = {name: values.tolist() for name, values in columns.items()}
    rows = [dict(zip(columns, values)) for values in zip(*columns.values())]
    for row in rows:
        row["process_ids"] = tuple(json.loads(row["process_ids"]))
        if math.isnan(row["growth_bytes_per_window"]):
            row["growth_bytes_per_window"] = None
    return rows


def _growth_in_a_phase(
    trace: Trace, kind: str, rows: typing.Collection[typing.Mapping[str, typing.Any]]
) -> StoppedGrowth | None:
    """Where the greatest of what is live was built in a phase, as of a server that was idle before
    and after its load, and grows if that phase is judged alone. None: it does not, or modules built
    it that were imported.
    """
    row = greatest_of_a_phase(rows)
    if row is None:
        return None
    stacks = frames_of_stacks(trace, [row["stack_id"]])
    if any(is_import_machinery(frame.file) for stack in stacks.values() for frame in stack):
        return None
    phase = phase_of(row)
    alone = leaks(trace, site=kind, verdicts=("growing",), from_ns=phase[0], to_ns=phase[1])
    place = tuple(row[name] for name in _PLACE)
    if any(tuple(getattr(each, name) for name in _PLACE) == place for each in alone.sites):
        return stopped_in_phase(row, phase)
    return None


def _with_hindsight(
    trace: Trace, site: LeakSite, references: References, stack_ids: typing.Collection[int]
) -> str:
    """The verdict on a site, now that it is known how it was reached and who holds it.

    What modules leave that were imported is built once. It grows as long as they are imported, and
    then not any more, whatever time the program takes over what follows. What they do when they are
    loaded may go on, their code does not.

    A cache that has a maximum size and is not full yet grows as a leak does, and so do the
    interpreter's own free lists, and garbage that only a full run of the collector will find.
    """
    if site.verdict != "growing":
        return site.verdict
    is_import = [is_import_machinery(frame.file) for frame in site.stack]
    if any(is_import) and site.pause_ns:
        return "one_time"
    if any(is_import[:1]):
        return "warming_up"
    if site.holders is None:
        fills = seems_to_fill_free_lists(trace, stack_ids, site.judged_until_ns, site.survival)
        return "warming_up" if fills else site.verdict
    if site.holders.holder is not None and site.holders.holder.is_bounded:
        return "warming_up"
    # What is left of it at a checkpoint that came later tells nothing of what was there.
    if site.holders.time_ns - site.judged_until_ns <= _SOON * site.watched_ns:
        blocks = references.live_blocks(site.process_id, stack_ids)
        if may_be_in_free_lists(blocks, site.holders.blocks_without_object):
            return "warming_up"
        if site.holders.garbage_share >= _MOSTLY and site.collected_share >= _OFTEN:
            rows = references.live_rows(site.process_id, stack_ids)
            if not was_in_use(trace, site.process_id, rows, site.holders):
                return "sawtooth"
    if takes_the_place_of_others(
        trace,
        site.process_id,
        stack_ids,
        references.beside(site.process_id, stack_ids),
        site.growing_since_ns,
        # Afterwards the program may be letting go of the table, entry by entry.
        min(site.judged_until_ns, site.holders.time_ns),
        site.survival,
    ):
        return "bounded"
    return site.verdict


def _site(row: typing.Mapping[str, typing.Any], stack: tuple[Frame, ...]) -> LeakSite:
    values = {name: row[name] for name in LeakSite._fields if name in row}
    values.update(
        live_bytes=Estimate(row["live_bytes"], row["live_bytes_error"]),
        peak_bytes=Estimate(row["peak_bytes"], row["peak_bytes_error"]),
        growth_bytes_per_second=Estimate(row["growth_bytes_per_second"], row["growth_error"]),
        growth_bytes_per_window=None
        if row["growth_bytes_per_window"] is None
        else Estimate(row["growth_bytes_per_window"], row["growth_per_window_error"]),
        cohorts=tuple(Cohort(**cohort) for cohort in json.loads(row["cohorts"])),
        curve=tuple(json.loads(row["curve"])),
        stack=stack,
        holders=None,
        checkpoint_ns=None,
        is_checkpoint_damaged=False,
        process_started_by=None,
        process_ended_by=None,
        leak=None,
    )
    return LeakSite(**values)


def _with_holders(
    site: LeakSite, references: References, stack_ids: typing.Collection[int]
) -> LeakSite:
    """A site that needs attention with who holds what it allocated, where that is known."""
    if site.grew_until_freed:
        references = references.when_fullest(site.process_id, stack_ids)
    elif site.verdict not in _EXPLAINED:
        return site
    return site._replace(holders=references.holders(site.process_id, stack_ids))


def _with_ends(trace: Trace, sites: list[LeakSite], references: References) -> list[LeakSite]:
    """The sites with what is known of the last moments of their processes."""
    processes = trace.table("processes")
    started_by, ended_by = (
        dict(zip(processes["process_id"].tolist(), processes[name]))
        for name in ("started_by", "ended_by")
    )
    return [
        site._replace(
            checkpoint_ns=references.time_ns(site.process_id),
            is_checkpoint_damaged=references.is_torn(site.process_id),
            process_started_by=started_by.get(site.process_id) or None,
            process_ended_by=ended_by.get(site.process_id) or None,
        )
        for site in sites
    ]


def _by_leak(
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


def _leaks_of(growing: typing.Sized, sites: list[LeakSite]) -> int | None:
    leaks = [site.leak for site in sites if site.verdict == "growing"]
    return len(set(leaks)) if len(leaks) == len(growing) else None


def _totals(sites: list[LeakSite]) -> tuple[Leak, ...]:
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


def _most(sites: list[LeakSite], count: int) -> list[LeakSite]:
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


def _stacks_of_sites(trace: Trace, kind: str, rows: list[dict[str, typing.Any]]) -> list[list[int]]:
    """The call stacks that each site stands for."""
    if kind == "stack" or not rows:
        return [_same_stacks(row) for row in rows]
    places = [(row["function"], row["file"], row["line"]) for row in rows]
    of_places = stacks_at(trace, places, by_line=kind == "line")
    return [
        of_places[place] or _same_stacks(row)
        if row["stack_ids"] is None
        else json.loads(row["stack_ids"])
        for place, row in zip(places, rows)
    ]


def _same_stacks(row: dict[str, typing.Any]) -> list[int]:
    """The call stack that a site is, by its numbers in all processes."""
    if row["stack_ids"] is not None:
        return list(json.loads(row["stack_ids"]))
    return [row["stack_id"] or _NO_FRAMES]


def _check(what: str, given: typing.Iterable[str], known: typing.Sequence[str]) -> None:
    for value in given:
        if value not in known:
            raise MemlyzeError(f"there is no {what} {value!r}; take one of {', '.join(known)}")
