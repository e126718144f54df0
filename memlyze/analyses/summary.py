"""What a trace shows at a glance: printed at the end of `memlyze record`, and by `memlyze
summary`.
"""

from __future__ import annotations

import typing

from memlyze.analyses.estimates import Estimate, Sampling
from memlyze.analyses.hotspots import Hotspot, Hotspots, hotspots
from memlyze.analyses.live_series import LiveSeries, series_of
from memlyze.analyses.losses import count_losses, metadata_total
from memlyze.analyses.mapped_memory import MappedMemory, mapped_memory
from memlyze.analyses.memory_clock import readings
from memlyze.analyses.resident_memory import ResidentMemory, explain_peak
from memlyze.analyses.sampling import sampling_of
from memlyze.analyses.selection import END_NS
from memlyze.analyses.statements import run_statement
from memlyze.analyses.unseen_memory import invisible_allocators
from memlyze.query.session import Trace

SITES = 5


class Peak(typing.NamedTuple):
    """The greatest resident memory of a process, as the memory clock read it."""

    bytes: int
    time_ns: int
    process_id: int
    """Process that was read."""


class TracerCost(typing.NamedTuple):
    """What recording itself cost, in all processes. None: the trace does not say, having no end."""

    file_bytes: int
    """Size of the files."""
    peak_bytes: int | None
    """Memory that the recorder itself held at most."""
    writer_cpu_ns: int | None
    """CPU time of its helper thread."""
    waits: int | None
    """How often the program had to wait for it."""
    wait_ns: int | None
    """How long, in all."""


class Collections(typing.NamedTuple):
    """What the garbage collector did."""

    runs: int
    """How many runs."""
    duration_ns: int
    collected: int
    """Objects that were found unreachable and released."""


class CheckpointsTaken(typing.NamedTuple):
    """The moments at which the objects and their references were recorded, in all processes."""

    checkpoints: int
    """How many."""
    most_objects: int
    """Objects in the largest of them."""
    pause_ns: int
    """How long the processes stood still for them, in all."""
    left_out: tuple[str, ...]
    """Why one was not taken, in words."""


class TogetherPeak(typing.NamedTuple):
    """The greatest resident memory of several processes together."""

    time_ns: int
    bytes: int


class Process(typing.NamedTuple):
    """One process of several."""

    process_id: int
    parent_process_id: int
    """Number of the process that started it."""
    started_by: str | None
    """`fork`, `spawn` or `exec`; None: it was the first."""
    ended_by: str | None
    """None: it was killed, or runs on."""
    path: str
    command_line: str
    """As it would be typed; empty where the trace does not say."""
    python_version: str
    """Version of its Python."""
    start_ns: int
    end_ns: int
    """When it ended, or the last that is known of it."""
    peak_rss: int | None
    """The most that it had resident, without what the recorder held; None: nothing was read
    of it.
    """
    samples: int
    bytes: Estimate
    """Allocated in it during the recording."""


class Summary(typing.NamedTuple):
    """A trace at a glance. Times are nanoseconds since its start."""

    paths: tuple[str, ...]
    """Paths of the files."""
    processes: tuple[Process, ...]
    """In the order of their start."""
    duration_ns: int
    """To the end of the recording, or to the last event of a trace that has none."""
    is_complete: bool
    is_being_written: bool
    """Whether the recording goes on."""
    damage: tuple[str, ...]
    events_dropped: int
    """Allocations and frees that could not be recorded."""
    is_exact: bool
    """Whether every allocation was recorded; otherwise all figures are estimates."""
    sampling: Sampling
    """How closely it was recorded."""
    samples: int
    allocations: Estimate
    bytes: Estimate
    """Allocated during the recording."""
    live_bytes: Estimate
    """Of `bytes`, not freed when recording ended."""
    peak_rss: Peak | None
    """Of the process that had most resident, without what the recorder held (`program_rss` in SQL);
    None: no reading of it was written.
    """
    memory_ticks: int
    """How often the memory clock ticked, in all processes. Where it did and `peak_rss` is None, the
    system did not tell what was resident.
    """
    peak_rss_tracer_bytes: int
    """What the recorder itself held then, beside `peak_rss`."""
    peak_rss_together: TogetherPeak | None
    """The most that several processes had resident together, without what the recorder held; None:
    it is one process, or no reading was written. Pages that they share count for each of them.
    """
    peak_live_ns: int | None
    """When most was live of the allocations of all processes together; None: there are none."""
    peak_live_bytes: Estimate
    """How much that was."""
    mapped: MappedMemory | None
    """Of `peak_live_bytes`, what was mapped: it may be more than was ever resident; None:
    nothing.
    """
    resident: ResidentMemory | None
    """What the resident memory of that process consisted of when most of it was seen; None: it was
    never looked at.
    """
    sites: tuple[Hotspot, ...]
    """The greatest allocation sites; `held_bytes` is at the moment `peak_live_ns`. Behind them the
    one that held most then, where it is not among them.
    """
    collections: Collections
    """What the garbage collector did."""
    cost: TracerCost
    """What recording cost."""
    references: CheckpointsTaken
    """What was taken to tell who holds an object."""
    invisible_allocators: tuple[str, ...]
    """`NAME in FILE` of each allocator whose blocks cannot be seen."""


def summarize(trace: Trace, *, sites: int = SITES, explains_peak: bool = True) -> Summary:
    """Summarise an opened trace, whatever state it is in: an empty one gives zeros.

    Without `explains_peak` it is not asked what the memory consisted of at its peaks: `mapped` and
    `resident` are None, and what `sites` held is of the end. Of a trace that grows, the peak moves.
    """
    peaks = run_statement(trace, "memory_peaks")[0]
    peak_rss = _peak(peaks)
    series = series_of(trace)
    peak_live_ns = series.greatest_between(0, END_NS)
    last_ns = int(series.times_ns[-1]) if len(series.times_ns) else 0
    explained_ns = peak_live_ns if explains_peak else None
    places = hotspots(
        trace, count=sites, moment_ns=END_NS if explained_ns is None else explained_ns
    )
    sampling = sampling_of(trace)
    nothing = sampling.of_bytes(0, 0)
    total = places.total
    processes = _processes(
        trace, last_ns, total.bytes if total else nothing, total.samples if total else 0
    )
    duration_ns = max(last_ns, peaks["last_ns"] or 0, *(process.end_ns for process in processes))
    return Summary(
        paths=trace.paths,
        processes=processes,
        duration_ns=duration_ns,
        is_complete=trace.is_complete,
        is_being_written=trace.is_being_written,
        damage=tuple(trace.damage),
        events_dropped=count_losses(trace).events,
        is_exact=sampling.is_exact,
        sampling=sampling,
        samples=total.samples if total else 0,
        allocations=total.allocations if total else sampling.of_allocations(0, 0),
        bytes=total.bytes if total else nothing,
        live_bytes=total.live_bytes if total else nothing,
        peak_rss=peak_rss,
        memory_ticks=peaks["ticks"],
        peak_rss_tracer_bytes=peaks["rss_tracer_bytes"] or 0,
        peak_rss_together=_together(trace),
        peak_live_ns=peak_live_ns,
        peak_live_bytes=series.live_at(peak_live_ns or 0),
        mapped=_mapped_at_peak(trace, total, explained_ns, series),
        resident=(explain_peak(trace, peak_rss.process_id) if peak_rss and explains_peak else None),
        sites=_with_greatest_at_peak(trace, places, explained_ns),
        collections=Collections(**run_statement(trace, "collections")[0]),
        cost=TracerCost(
            file_bytes=sum(file.file_bytes for file in trace.files),
            peak_bytes=metadata_total(trace, "tracer_peak_bytes") or peaks["tracer_bytes"],
            writer_cpu_ns=metadata_total(trace, "writer_cpu_ns"),
            waits=metadata_total(trace, "waits"),
            wait_ns=metadata_total(trace, "wait_ns"),
        ),
        references=_checkpoints_taken(trace),
        invisible_allocators=invisible_allocators(trace),
    )


def _with_greatest_at_peak(
    trace: Trace, places: Hotspots, peak_ns: int | None
) -> tuple[Hotspot, ...]:
    """The places, and the one that held most at the peak: it may have allocated less than others
    that are freed at once.
    """
    if peak_ns is None or len(places.rows) in (0, places.row_count):
        return places.rows
    (greatest,) = hotspots(trace, sort="peak", count=1, moment_ns=peak_ns).rows
    shown = {(site.function, site.file, site.line) for site in places.rows}
    if not greatest.held_bytes.value or (greatest.function, greatest.file, greatest.line) in shown:
        return places.rows
    return (*places.rows, greatest)


def _together(trace: Trace) -> TogetherPeak | None:
    if len(trace.process_ids) < 2:
        return None
    found = readings(trace, trace.table("memory")["program_rss"], None)
    if not len(found.time_ns):
        return None
    greatest = int(found.bytes.argmax())
    return TogetherPeak(int(found.time_ns[greatest]), int(found.bytes[greatest]))


def _mapped_at_peak(
    trace: Trace, total: Hotspot | None, peak_ns: int | None, series: LiveSeries
) -> MappedMemory | None:
    if total is None or peak_ns is None:
        return None
    return mapped_memory(trace, total.held_mapped_bytes, peak_ns, series)


def _processes(trace: Trace, last_ns: int, size: Estimate, samples: int) -> tuple[Process, ...]:
    """The processes; the figures are of all together, which need not be asked of one."""
    rows = run_statement(trace, "processes")
    if len(rows) > 1:
        totals = {row["process_id"]: row for row in run_statement(trace, "process_totals")}
    else:
        of_all = {"bytes": size.value, "bytes_error": size.error, "last_ns": last_ns or None}
        totals = {rows[0]["process_id"]: {**of_all, "samples": samples}}
    nothing = {
        "samples": 0,
        "bytes": 0,
        "bytes_error": sampling_of(trace).unseen_bytes,
        "last_ns": None,
    }
    return tuple(_process(row, totals.get(row["process_id"], nothing)) for row in rows)


def _checkpoints_taken(trace: Trace) -> CheckpointsTaken:
    taken = trace.table("checkpoints")
    reasons = [file.metadata.get("references_left_out") for file in trace.files]
    return CheckpointsTaken(
        checkpoints=len(taken["checkpoint_id"]),
        most_objects=int(taken["object_count"].max(initial=0)),
        pause_ns=int(taken["pause_ns"].sum()),
        left_out=tuple(dict.fromkeys(reason for reason in reasons if isinstance(reason, str))),
    )


def _process(
    row: typing.Mapping[str, typing.Any], total: typing.Mapping[str, typing.Any]
) -> Process:
    ends = (row["end_ns"], total["last_ns"], row["start_ns"])
    return Process(
        **{name: row[name] for name in Process._fields if name in row and name != "end_ns"},
        end_ns=max(next(end for end in ends if end is not None), row["start_ns"]),
        samples=total["samples"],
        bytes=Estimate(total["bytes"], total["bytes_error"]),
    )


def _peak(peaks: typing.Mapping[str, typing.Any]) -> Peak | None:
    if peaks["rss"] is None:
        return None
    return Peak(peaks["rss"], peaks["rss_time_ns"], peaks["rss_process_id"])
