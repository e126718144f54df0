"""How memory moved: slices of time, and the peaks among them."""

from __future__ import annotations

import typing

import numpy as np

from memlyze.analyses.ended_processes import ended_processes
from memlyze.analyses.estimates import Estimate
from memlyze.analyses.hotspots import Hotspot, hotspots
from memlyze.analyses.live_series import LiveSeries, live_series
from memlyze.analyses.memory_clock import readings
from memlyze.analyses.prominence import prominent_peaks
from memlyze.analyses.selection import END_NS, EVERYTHING, Selection
from memlyze.errors import MemlyzeError
from memlyze.query.session import Trace

BUCKETS = 100
PEAKS = 3
SITES = 5
# A peak that rises less above its surroundings than this share of the greatest is none.
_LEAST_PROMINENCE = 0.1

Array = typing.Any  # a one-dimensional numpy array


class Slice(typing.NamedTuple):
    """A slice of time; times are nanoseconds since the start of the trace."""

    start_ns: int
    end_ns: int
    """Not included."""
    allocated_bytes: Estimate
    """Allocated in the slice."""
    allocations: float
    freed_bytes: Estimate
    """Freed in the slice, among what was allocated since the start of the trace."""
    frees: float
    """How many were freed."""
    live_bytes: Estimate
    """Live at the end of the slice, among what was allocated since the start of the trace."""
    peak_live_bytes: float
    """The most that was live at any moment of the slice."""
    rss: int | None
    """Greatest resident memory, without the recorder's own, of all processes that were chosen,
    summed; None: no reading yet.
    """
    gc_runs: int
    """Runs of the garbage collector that began in the slice."""
    gc_duration_ns: int
    """How long they took."""


class LivePeak(typing.NamedTuple):
    """A moment at which more was live than before and after."""

    time_ns: int
    live_bytes: Estimate
    """Live at that moment."""
    sites: tuple[Hotspot, ...]
    """What was live then, the greatest sites first: `held_bytes`."""


class Timeline(typing.NamedTuple):
    """Slices of equal length in order, and peaks, the greatest first."""

    slices: tuple[Slice, ...]
    """In the order of time."""
    peaks: tuple[LivePeak, ...]
    """Those that stand out most, first."""


def timeline(
    trace: Trace,
    *,
    buckets: int = BUCKETS,
    peaks: int = PEAKS,
    sites: int = SITES,
    selection: Selection = EVERYTHING,
) -> Timeline:
    """Cut the time range of `selection`, or the whole recording, into `buckets` slices.

    What is live counts what was allocated before the range, too. Resident memory and collector runs
    are those of the process that is chosen, or of all: nobody knows which thread's they are.

    Raises MemlyzeError for fewer than one bucket, and SelectionError.
    """
    if buckets < 1:
        raise MemlyzeError(f"a timeline has 1 or more slices, not {buckets}")
    series = live_series(trace, selection._replace(from_ns=0))
    start_ns = selection.from_ns
    end_ns = min(selection.to_ns, max(last_moment_ns(trace) + 1, start_ns + 1))
    width_ns = max(-(-(end_ns - start_ns) // buckets), 1)
    edges = np.minimum(np.arange(buckets + 1) * width_ns + start_ns, end_ns)
    edges = edges[: int(np.searchsorted(edges, end_ns)) + 1]
    slices = _slices(trace, series, edges, selection.process)
    return Timeline(slices, _peaks(trace, series, slices, selection, peaks, sites))


def last_moment_ns(trace: Trace) -> int:
    """The last moment of which the trace tells anything; 0: of none."""
    known = (
        ("allocations", "time_ns"),
        ("allocations", "freed_ns"),
        ("memory", "time_ns"),
        ("processes", "end_ns"),
    )
    return max(int(trace.table(name)[time].max(initial=0)) for name, time in known)


def _slices(
    trace: Trace, series: LiveSeries, edges: Array, process: int | None
) -> tuple[Slice, ...]:
    count = len(edges) - 1
    bounds: Array = np.searchsorted(series.times_ns, edges)
    sums = {name: _sums(values, bounds) for name, values in series.changes.items()}
    live = np.append(0.0, series.live_bytes)[bounds]  # at each edge
    variances = np.maximum(np.append(0.0, series.live_variances)[bounds], 0.0)
    peaks = [
        max(live[k], series.live_bytes[bounds[k] : bounds[k + 1]].max(initial=0.0))
        for k in range(count)
    ]
    estimate = series.sampling.of_bytes
    rss = resident_by_slice(trace, edges, process)
    runs, durations = _collections(trace, edges, process)
    return tuple(
        Slice(
            start_ns=int(edges[k]),
            end_ns=int(edges[k + 1]),
            allocated_bytes=estimate(
                float(sums["allocated_bytes"][k]), float(sums["allocated_variance"][k])
            ),
            allocations=float(sums["allocations"][k]),
            freed_bytes=estimate(float(sums["freed_bytes"][k]), float(sums["freed_variance"][k])),
            frees=float(sums["frees"][k]),
            live_bytes=estimate(float(live[k + 1]), float(variances[k + 1])),
            peak_live_bytes=float(peaks[k]),
            rss=None if rss[k] < 0 else int(rss[k]),
            gc_runs=int(runs[k]),
            gc_duration_ns=int(durations[k]),
        )
        for k in range(count)
    )


def _sums(values: Array, bounds: Array) -> Array:
    """The sum of `values` between each bound and the next."""
    return np.diff(np.append(0.0, np.cumsum(values))[bounds])


def resident_by_slice(trace: Trace, edges: Array, process: int | None) -> Array:
    """The greatest resident memory in each slice, of all processes together; −1: none was read yet.

    A reading holds until the next one, or until the process ends.
    """
    found = readings(trace, trace.table("memory")["program_rss"], process)
    total = np.full(len(edges) - 1, -1, dtype=np.int64)
    if not len(found.time_ns):
        return total
    bounds: Array = np.searchsorted(found.time_ns, edges)
    # Of several processes the last to end goes on until the end of the trace.
    end_ns = END_NS if process is None else ended_processes(trace).get(process, END_NS)
    is_running = (edges[1:] > found.time_ns[0]) & (edges[:-1] <= end_ns)
    for k in np.flatnonzero(is_running).tolist():
        total[k] = found.bytes[max(bounds[k] - 1, 0) : bounds[k + 1]].max(initial=-1)
    total[total == 0] = -1  # one process had ended, and no other begun
    return total


def _collections(trace: Trace, edges: Array, process: int | None) -> tuple[Array, Array]:
    """How many collector runs began in each slice, and how long they took."""
    runs = trace.table("gc")
    times, durations = runs["time_ns"], runs["duration_ns"]
    if process is not None and "process_id" in runs:
        own = runs["process_id"] == process
        times, durations = times[own], durations[own]
    order = np.argsort(times, kind="stable")
    bounds = np.searchsorted(times[order], edges)
    return np.diff(bounds), _sums(durations[order], bounds)


def _peaks(
    trace: Trace,
    series: LiveSeries,
    slices: typing.Sequence[Slice],
    selection: Selection,
    count: int,
    sites: int,
) -> tuple[LivePeak, ...]:
    heights = [part.peak_live_bytes for part in slices]
    found = []
    for place in prominent_peaks(heights, count, _LEAST_PROMINENCE):
        part = slices[place]
        time_ns = series.greatest_between(part.start_ns, part.end_ns)
        if time_ns is None:  # nothing changes in the range
            time_ns = part.start_ns
        held = hotspots(
            trace,
            sort="peak",
            count=sites,
            moment_ns=time_ns,
            selection=selection._replace(from_ns=0, to_ns=END_NS),
        )
        present = tuple(site for site in held.rows if site.held_bytes.value)
        found.append(LivePeak(time_ns, series.live_at(time_ns), present))
    return tuple(found)
