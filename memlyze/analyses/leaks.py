"""What grows without bound, what stays, and how sure that is: `docs/leaks.md`."""

from __future__ import annotations

import contextlib
import json
import math
import typing

from memlyze.analyses.attribute_names import are_let_go_by_checkpoint
from memlyze.analyses.call_stacks import Frame, frames_of_stacks, stacks_at
from memlyze.analyses.ended_growth import (
    StoppedGrowth,
    freed_growth,
    greatest_of_a_phase,
    phase_of,
    stopped_growth,
    stopped_in_phase,
)
from memlyze.analyses.ended_processes import most_at_once
from memlyze.analyses.estimates import Estimate
from memlyze.analyses.free_lists import seems_to_fill_free_lists
from memlyze.analyses.hindsight import took_the_place_of_others, verdict_with_hindsight
from memlyze.analyses.leak_parts import by_leak, growing_leaks, most_of_each, totals_of_leaks
from memlyze.analyses.leak_sites import Cohort, Leaks, LeakSite
from memlyze.analyses.references import Holders, References
from memlyze.analyses.sampling import sampling_of
from memlyze.analyses.selection import END_NS
from memlyze.analyses.timeline import last_moment_ns
from memlyze.analyses.unseen_memory import unseen_memory
from memlyze.errors import MemlyzeError
from memlyze.query.leaks.verdicts import VERDICTS as VERDICTS
from memlyze.query.origins import is_import_machinery
from memlyze.query.raw_tables import LEAKS
from memlyze.query.session import Trace

# Of these it matters who holds what stays.
_EXPLAINED = ("growing", "warming_up", "too_few_samples")
SITE_KINDS = ("line", "function", "stack")
#: The call stack of what was allocated while no Python code ran, which is at no place.
_NO_FRAMES = 0
_PLACE = ("function", "file", "line")
#: Of so many growing sites it is asked which of them are parts of one leak.
_ASKED = 60
_MOSTLY = 0.5
#: No greater share of what was freed tells who held it.
_CRUMBS = 0.05


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
            or took_the_place_of_others(trace, row, of_site, references)
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
        verdict = verdict_with_hindsight(trace, of_row, references, site_stacks[number])
        if verdict != of_row.verdict:
            sites[number] = of_row._replace(verdict=verdict)
            by_verdict[of_row.verdict].remove(chosen[number])
            by_verdict[verdict].append(chosen[number])
    growing = by_verdict["growing"]
    if is_whole and not (growing or freed.sites or stopped.sites):
        stopped = _growth_in_a_phase(trace, site, rows) or stopped
    sites = _seen_running(sites, references, site_stacks)
    sites = by_leak(trace, sites, references, site_stacks)
    return Leaks(
        site_kind=site,
        is_exact=sampling_of(trace).is_exact,
        judged={verdict: len(of_verdict) for verdict, of_verdict in by_verdict.items()},
        growing_leaks=growing_leaks(growing, sites),
        leaks=totals_of_leaks(sites),
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
            for of_verdict in most_of_each(
                [site for site in sites if site.verdict == verdict], count
            )
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
        processes_at_once=len(row["process_ids"]),
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
        peak = site.peak_bytes.value / len(site.process_ids)
        if references.live_bytes(site.process_id, stack_ids) < _CRUMBS * peak:
            return site  # who has these says nothing of who had the rest
    elif site.verdict not in _EXPLAINED:
        return site
    return site._replace(holders=references.holders(site.process_id, stack_ids))


def _seen_running(
    sites: list[LeakSite], references: References, site_stacks: list[list[int]]
) -> list[LeakSite]:
    """The sites that grow with who held them while the program ran, where a checkpoint tells of
    more than the one at the end; of a process all or none, as they are told together.
    """
    seen = list(sites)
    growing = [number for number, site in enumerate(sites) if site.verdict == "growing"]
    for process_id in {sites[number].process_id for number in growing}:
        of_process = [number for number in growing if sites[number].process_id == process_id]
        stacks = {stack for number in of_process for stack in site_stacks[number]}
        running = references.while_running(process_id, stacks)
        if running is references:
            continue
        found = {number: running.holders(process_id, site_stacks[number]) for number in of_process}
        if any(_tells_more(holders, sites[number].holders) for number, holders in found.items()):
            for number, holders in found.items():
                if holders is not None:
                    seen[number] = sites[number]._replace(holders=holders)
    return seen


def _tells_more(earlier: Holders | None, last: Holders | None) -> bool:
    """Whether at an earlier moment more objects had something, or somebody what nobody has then."""
    if earlier is None or last is None:
        return earlier is not None
    is_garbage = [holders.garbage_share >= _MOSTLY for holders in (earlier, last)]
    return len(earlier.containers) > len(last.containers) or is_garbage == [False, True]


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
            processes_at_once=most_at_once(trace, site.process_ids),
        )
        for site in sites
    ]


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
