"""What a report says: the answers of the analyses, for the page and for Markdown alike."""

from __future__ import annotations

import os
import typing

from memlyze.analyses.diff import Diff, diff
from memlyze.analyses.flame_columns import FlameColumns, flame_columns
from memlyze.analyses.hotspots import Hotspots, hotspots
from memlyze.analyses.leak_sites import Leaks
from memlyze.analyses.leaks import leaks
from memlyze.analyses.selection import END_NS
from memlyze.analyses.stack_sums import Measure
from memlyze.analyses.summary import Summary, summarize
from memlyze.analyses.timeline import Timeline, timeline
from memlyze.query.session import Trace

SLICES = 120
PEAKS = 3
SITES = 15
SUSPECTS = 8
GROUP_ROWS = 12
CHANGES = 15
#: More calls would make a larger file, and are too small to be seen.
FLAME_NODES = 2500


class Graph(typing.NamedTuple):
    """A flame graph and what it is of."""

    label: str
    columns: FlameColumns


class Comparison(typing.NamedTuple):
    """What has changed since an earlier recording."""

    base: str
    """What that is called."""
    diff: Diff


class Content(typing.NamedTuple):
    """What a report says of a trace."""

    title: str
    notes: tuple[str, ...]
    """What the reader of any figure must know: cut off, damaged, events dropped."""
    folder: str
    """Where the program ran: paths are shown from there."""
    start_unix_ns: int
    """When recording began; 0: the trace does not say."""
    summary: Summary
    timeline: Timeline
    peak_ns: int
    """When most was live."""
    sites: Hotspots
    """`held_bytes` is what was live at the peak."""
    leaks: Leaks
    graphs: tuple[Graph, ...]
    groups: tuple[Hotspots, ...]
    """By window, thread and process, where there are several."""
    comparison: Comparison | None
    """None: there is nothing to compare with."""


def gather(
    trace: Trace, *, title: str, notes: typing.Sequence[str], base: Trace | None = None
) -> Content:
    """Ask everything of a trace, whatever state it is in; of two, also what differs."""
    slices = timeline(trace, buckets=SLICES, peaks=PEAKS)
    summary = summarize(trace, sites=0)
    peak_ns = END_NS if summary.peak_live_ns is None else summary.peak_live_ns
    start = trace.metadata.get("start_time_unix_ns")
    folder = trace.metadata.get("working_directory")
    return Content(
        title=title,
        notes=tuple(notes),
        folder=folder if isinstance(folder, str) else "",
        start_unix_ns=start if isinstance(start, int) else 0,
        summary=summary,
        timeline=slices,
        peak_ns=peak_ns,
        sites=hotspots(trace, count=SITES, moment_ns=peak_ns),
        leaks=leaks(trace, count=SUSPECTS),
        graphs=tuple(_graphs(trace, peak_ns)),
        groups=tuple(_groups(trace, peak_ns)),
        comparison=None if base is None else _compare(base, trace),
    )


def _compare(base: Trace, trace: Trace) -> Comparison:
    return Comparison(os.path.basename(base.paths[0]), diff(base, trace, count=CHANGES))


def _graphs(trace: Trace, peak_ns: int) -> typing.Iterator[Graph]:
    for label, measure in (
        ("Allocated", Measure()),
        ("Live at the peak", Measure(live_at_ns=peak_ns)),
        ("Not freed", Measure(live_at_ns=END_NS)),
    ):
        columns = flame_columns(trace, measure=measure, nodes=FLAME_NODES)
        if len(columns.parent) > 1:
            yield Graph(label, columns)


def _groups(trace: Trace, peak_ns: int) -> typing.Iterator[Hotspots]:
    """Sums by what there is more than one of."""
    has_windows = len(trace.table("windows")["window_id"]) > 0
    for by, is_there in (
        ("window", has_windows),
        ("thread", len(trace.table("threads")["thread_id"]) > 1),
        ("process", len(trace.files) > 1),
    ):
        if is_there:
            yield hotspots(trace, by=by, count=GROUP_ROWS, moment_ns=peak_ns)
