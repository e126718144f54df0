"""Memory over time as curves for a picture: of each bucket the least and the greatest value, so
that no spike is lost however few pixels there are.
"""

from __future__ import annotations

import typing

import numpy as np

from memlyze.analyses.live_series import LiveSeries
from memlyze.analyses.memory_clock import Readings, readings
from memlyze.query.session import Trace

Array = typing.Any  # a one-dimensional numpy array


class Curve(typing.NamedTuple):
    """Of each bucket; NaN where there is no reading."""

    least: Array
    greatest: Array


class CurvePeak(typing.NamedTuple):
    """The greatest value in a range."""

    kind: str
    """`rss`, that of the program, or `heap_live`."""
    time_ns: int
    bytes: float


class LiveCurve(typing.NamedTuple):
    """What was allocated in each bucket, and what was live of it, with variances."""

    allocated_bytes: Array
    allocated_variance: Array
    freed_bytes: Array
    freed_variance: Array
    allocations: Array
    live_bytes: Array
    """At the end of the bucket."""
    live_variance: Array
    least_live_bytes: Array
    """At any moment of the bucket."""
    greatest_live_bytes: Array
    """At any moment of the bucket."""
    greatest_live_variance: Array
    """At the first moment at which most was live."""
    greatest_live_ns: Array
    """That moment; the last one before the bucket, where most was live when it began."""


def bucket_edges(from_ns: int, to_ns: int, buckets: int) -> Array:
    """The borders of at most so many buckets of one width, the first at `from_ns`, the last
    at `to_ns` or a little behind it.
    """
    width_ns = max(-(-(to_ns - from_ns) // buckets), 1)
    count = max(-(-(to_ns - from_ns) // width_ns), 1)
    return np.arange(count + 1, dtype=np.int64) * width_ns + from_ns


def clock_curves(trace: Trace, edges: Array, process_id: int | None) -> dict[str, Curve]:
    """The readings of the memory clock by column: `rss`, that of the program, and `tracer_bytes`.

    What is live is no reading of it: between two of them a peak may have come and gone.

    Of several processes it is what they have together at a moment; one that is not read then counts
    with its reading before, as long as it runs.
    """
    memory = trace.table("memory")
    holds = process_id is None and len(trace.process_ids) > 1
    found = {}
    for column, values in (
        ("rss", memory["program_rss"]),
        ("tracer_bytes", memory["tracer_bytes"]),
    ):
        together = readings(trace, values.astype(np.float64), process_id)
        found[column] = _curve(together, edges, holds=holds)
    nobody = found["rss"].greatest == 0  # one process had ended, and no other begun
    for curve in found.values():
        curve.least[nobody] = curve.greatest[nobody] = np.nan
    return found


def rss_peak(trace: Trace, rss: Curve, edges: Array, process_id: int | None) -> list[CurvePeak]:
    """The greatest reading in the range of the curve; none where nothing was read."""
    if np.isnan(rss.greatest).all():
        return []
    place = int(np.nanargmax(rss.greatest))
    found = readings(trace, trace.table("memory")["program_rss"], process_id)
    first, end = np.searchsorted(found.time_ns, edges[place : place + 2]).tolist()
    time_ns = int(edges[place])  # of a reading from before that holds
    if end > first and found.bytes[first:end].max() >= rss.greatest[place]:
        time_ns = int(found.time_ns[first + int(np.argmax(found.bytes[first:end]))])
    return [CurvePeak("rss", time_ns, float(rss.greatest[place]))]


def live_peak(series: LiveSeries, edges: Array) -> list[CurvePeak]:
    """The first moment of the range at which most was live; none where nothing was."""
    from_ns = int(edges[0])
    time_ns = series.greatest_between(from_ns, int(edges[-1]))
    before = series.live_at(from_ns).value
    if time_ns is None or series.live_at(time_ns).value < before:
        time_ns = from_ns  # it was more before the range, and has only become less
    greatest = series.live_at(time_ns).value
    return [CurvePeak("heap_live", time_ns, greatest)] if greatest > 0 else []


def _curve(found: Readings, edges: Array, *, holds: bool) -> Curve:
    """The least and greatest reading in each bucket; with `holds`, one holds until the next."""
    times, values = found
    least, greatest = np.full(len(edges) - 1, np.nan), np.full(len(edges) - 1, np.nan)
    bounds: Array = np.searchsorted(times, edges)
    if holds:
        goes_on = bounds[:-1] > 0
        least[goes_on] = greatest[goes_on] = values[bounds[:-1][goes_on] - 1]
    has_readings = np.diff(bounds) > 0
    starts, within = bounds[:-1][has_readings], values[: bounds[-1]]
    if len(starts):
        least[has_readings] = np.fmin(least[has_readings], np.minimum.reduceat(within, starts))
        greatest[has_readings] = np.fmax(
            greatest[has_readings], np.maximum.reduceat(within, starts)
        )
    return Curve(least, greatest)


def live_curve(series: LiveSeries, edges: Array) -> LiveCurve:
    """What a series has in each bucket and at its end: no spike in between is lost."""
    bounds: Array = np.searchsorted(series.times_ns, edges)

    def sums(name: str) -> Array:
        return np.diff(np.append(0.0, np.cumsum(series.changes[name]))[bounds])

    live = np.append(0.0, series.live_bytes)
    variances = np.maximum(np.append(0.0, series.live_variances), 0.0)
    greatest, places = most_live(series.times_ns, series.live_bytes, edges)
    least = live[bounds[:-1]]
    has_changes = np.diff(bounds) > 0
    starts = bounds[:-1][has_changes]
    if len(starts):
        within = series.live_bytes[: bounds[-1]]
        least[has_changes] = np.minimum(least[has_changes], np.minimum.reduceat(within, starts))
    return LiveCurve(
        allocated_bytes=sums("allocated_bytes"),
        allocated_variance=sums("allocated_variance"),
        freed_bytes=sums("freed_bytes"),
        freed_variance=sums("freed_variance"),
        allocations=sums("allocations"),
        live_bytes=live[bounds[1:]],
        live_variance=variances[bounds[1:]],
        least_live_bytes=least,
        greatest_live_bytes=greatest,
        greatest_live_variance=variances[places],
        greatest_live_ns=np.where(
            places > bounds[:-1], np.append(0, series.times_ns)[places], edges[:-1] - 1
        ),
    )


def most_live(times_ns: Array, live_bytes: Array, edges: Array) -> tuple[Array, Array]:
    """The most that was live in each bucket, where `live_bytes` hold from each of the times to the
    next, and how many of the times had come when it first was.
    """
    bounds: Array = np.searchsorted(times_ns, edges)
    # What is live when a bucket begins holds until the first change in it.
    places = bounds[:-1].copy()
    greatest = np.append(0.0, live_bytes)[places]
    has_changes = np.diff(bounds) > 0
    starts = bounds[:-1][has_changes]
    if len(starts):
        within = live_bytes[: bounds[-1]]
        inner = np.maximum.reduceat(within, starts)
        is_above = inner > greatest[has_changes]
        buckets = np.flatnonzero(has_changes)[is_above]
        greatest[buckets] = inner[is_above]
        places[buckets] = [
            1 + first + int(np.argmax(within[first:end]))
            for first, end in zip(bounds[buckets].tolist(), bounds[buckets + 1].tolist())
        ]
    return greatest, places
