"""What requests, tasks and other windows take: by route, one by one, and at the peak."""

from __future__ import annotations

import math
import typing

from memlyze.analyses.estimates import TOO_FEW_SAMPLES, Estimate, Sampling
from memlyze.analyses.event_sums import HELD, LIVE, Columns, event_sums
from memlyze.analyses.live_series import live_series
from memlyze.analyses.sampling import sampling_of
from memlyze.analyses.selection import END_NS, EVERYTHING, Chosen, Selection, choose
from memlyze.analyses.statements import run_statement
from memlyze.query.session import Trace

#: What routes can be put in the order of.
ORDERS = ("allocated", "retained", "live", "peak", "count", "time")
_LEAST_WINDOWS_FOR_GROWTH = 10
_HOLDERS = 5


class Spread(typing.NamedTuple):
    """How a figure is distributed over the windows of a route, in bytes."""

    mean: Estimate
    median: Estimate
    """Its error, as those that follow, is that of the single window at that place."""
    p95: Estimate
    max: Estimate


class Growth(typing.NamedTuple):
    """What a window of a route leaves behind for good, judged by those of its windows that were
    closed between the first tenth and the half; where these leave something, and those of the last
    half less, beyond chance, or nothing, as when a cache has filled up, by the last half.
    """

    bytes_per_window: Estimate
    windows: int
    """How many windows were judged."""
    verdict: str
    """`grows` (the 95 % interval excludes 0, in the last half by itself, too), `steady`, or
    `unknown` (too few windows or samples).
    """


#: Where none of the windows was closed.
NOT_JUDGED = Growth(Estimate(0.0, 0.0), 0, "unknown")


class Route(typing.NamedTuple):
    """The windows of one name, kind and method."""

    name: str
    kind: str
    method: str | None
    windows: int
    unfinished: int
    failed: int
    allocated_bytes: Estimate
    """In all of its windows."""
    allocated: Spread
    greatest_is_first: bool
    """Whether the window that allocated most was opened before all others of its process."""
    retained_bytes: Estimate
    """Held by each when it was closed, summed."""
    retained: Spread
    live_bytes: Estimate
    """Still held when recording ended."""
    max_peak_bytes: Estimate
    """The most that one of its windows held at one time."""
    growth: Growth
    mean_duration_ns: float | None
    p95_duration_ns: float | None
    collector_ns: int
    samples: int
    has_too_few_samples: bool
    """Whether `allocated_bytes` rests on too few samples to be shown as precise."""


class Window(typing.NamedTuple):
    """One window."""

    window_id: int
    name: str
    kind: str
    method: str | None
    status: int | None
    start_ns: int
    duration_ns: int | None
    allocated_bytes: Estimate
    peak_bytes: Estimate
    retained_bytes: Estimate
    live_bytes: Estimate
    allocations: Estimate
    collector_ns: int
    samples: int
    has_too_few_samples: bool
    """Whether `allocated_bytes` rests on too few samples to be shown as precise."""
    attributes: str | None
    process_id: int


class Holder(typing.NamedTuple):
    """What the windows of a route held at one moment. `name` is None: made in no window."""

    name: str | None
    kind: str | None
    method: str | None
    windows: int
    """How many of its windows were seen to hold something; while sampling there may be more."""
    of_windows: int
    """How many of its windows had been opened by then."""
    bytes: Estimate
    window_id: int | None
    """Of these windows, the one that held most."""


class PeakHolders(typing.NamedTuple):
    """Who held what when most was live in all processes together."""

    time_ns: int
    live_bytes: Estimate
    holders: tuple[Holder, ...]


class Unattributed(typing.NamedTuple):
    """What of the chosen allocations was made in no window."""

    allocated: Estimate
    """Bytes."""
    live: Estimate
    """Bytes of it that were not freed when recording ended."""
    before_first: Estimate
    """Bytes of it that were allocated before the first window was opened."""
    share: float
    """Of all that was chosen, in windows or not; 0 where that is nothing."""
    all_bytes: float
    """Bytes that were allocated in windows or not."""


class Windows(typing.NamedTuple):
    """What the windows of a trace took."""

    windows: int
    """How many there were."""
    is_exact: bool
    routes: tuple[Route, ...]
    worst: tuple[Window, ...]
    at_peak: PeakHolders | None
    """None: nothing was allocated."""
    allocated_bytes: float
    """In windows or not."""
    unattributed_bytes: Estimate
    """Allocated in no window."""
    before_first_bytes: Estimate
    """Of these, allocated before the first window was opened."""


def windows(
    trace: Trace, *, sort_by: str = "allocated", kind: str | None = None, count: int = 10
) -> Windows:
    """What the windows of a trace took.

    Args:
        trace: an opened trace.
        sort_by: the order of the routes, one of `ORDERS`.
        kind: only windows of this kind, such as `http`; None: all.
        count: how many single windows to list.
    """
    sampling = sampling_of(trace)
    growths = _growths(trace, ("name", "kind", "method"))
    routes = tuple(
        _route(row, growths.get((row["name"], row["kind"], row["method"]), NOT_JUDGED))
        for row in run_statement(trace, "window_routes", {"sort_by": sort_by, "kind": kind})
    )
    worst = run_statement(trace, "window_worst", {"sort_by": sort_by, "kind": kind, "count": count})
    outside = unattributed(trace)
    return Windows(
        windows=sum(route.windows for route in routes),
        is_exact=sampling.is_exact,
        routes=routes,
        worst=tuple(window_of_row(row) for row in worst),
        at_peak=_holders_at_peak(trace),
        allocated_bytes=outside.all_bytes,
        unattributed_bytes=outside.allocated,
        before_first_bytes=outside.before_first,
    )


def growth_by_label(trace: Trace) -> dict[tuple[typing.Any, ...], Growth]:
    """What the windows of each route leave behind in the whole recording, by the route's name as it
    is listed, with its method, and its kind; no entry where none of its windows was closed.
    """
    return _growths(trace, ("label", "kind"))


def unattributed(trace: Trace, selection: Selection = EVERYTHING) -> Unattributed:
    """What was allocated in no window.

    Raises SelectionError for a process, thread or window that is not there.
    """
    chosen = choose(trace, selection)
    made = event_sums(trace, chosen, group="window", told_apart=LIVE, by_stack=False)
    is_outside = made["group_id"] == 0
    all_bytes = float(made["bytes"].sum())
    allocated = _summed(trace, made, is_outside)
    return Unattributed(
        allocated=allocated,
        live=_summed(trace, made, is_outside & (made["classes"] == LIVE)),
        before_first=_before_first(trace, chosen),
        share=allocated.value / all_bytes if all_bytes else 0.0,
        all_bytes=all_bytes,
    )


def _before_first(trace: Trace, chosen: Chosen) -> Estimate:
    """What was allocated in no window before the first was opened; nothing: none ever was."""
    starts = trace.table("windows")["start_ns"]
    until_ns = int(starts.min()) if len(starts) else 0
    until_ns = min(until_ns, chosen.parameters["to_ns"])
    earlier = chosen._replace(parameters={**chosen.parameters, "to_ns": until_ns})
    made = event_sums(trace, earlier, group="window", by_stack=False)
    return _summed(trace, made, made["group_id"] == 0)


def _summed(trace: Trace, sums: Columns, which: typing.Any) -> Estimate:
    return sampling_of(trace).of_bytes(
        float(sums["bytes"][which].sum()), float(sums["variance"][which].sum())
    )


def _route(row: typing.Mapping[str, typing.Any], growth: Growth) -> Route:
    return Route(
        name=row["name"],
        kind=row["kind"],
        method=row["method"],
        windows=row["windows"],
        unfinished=row["unfinished"],
        failed=row["failed"],
        allocated_bytes=_figure(row, "allocated_bytes"),
        allocated=_spread(row, "allocated"),
        greatest_is_first=bool(row["greatest_is_first"]),
        retained_bytes=_figure(row, "retained_bytes"),
        retained=_spread(row, "retained"),
        live_bytes=_figure(row, "live_bytes"),
        max_peak_bytes=_figure(row, "max_peak_bytes"),
        growth=growth,
        mean_duration_ns=row["mean_duration_ns"],
        p95_duration_ns=row["p95_duration_ns"],
        collector_ns=row["collector_ns"],
        samples=row["samples"],
        has_too_few_samples=row["too_few_samples"],
    )


def _spread(row: typing.Mapping[str, typing.Any], what: str) -> Spread:
    total, error = _figure(row, f"{what}_bytes")
    return Spread(
        mean=Estimate(total / row["windows"], error / row["windows"]),
        median=_figure(row, f"median_{what}_bytes"),
        p95=_figure(row, f"p95_{what}_bytes"),
        max=_figure(row, f"max_{what}_bytes"),
    )


def _figure(row: typing.Mapping[str, typing.Any], name: str) -> Estimate:
    return Estimate(row[name], row[name + "_error"])


def _growths(trace: Trace, key: typing.Sequence[str]) -> dict[tuple[typing.Any, ...], Growth]:
    """By these columns of the statement, which name a route."""
    sampling = sampling_of(trace)
    parts: dict[tuple[typing.Any, ...], list[Growth]] = {}
    for row in run_statement(trace, "window_growth"):
        name = tuple(row[column] for column in key)
        parts.setdefault(name, []).append(_growth_of_part(row, sampling))
    return {name: _growth(of_route) for name, of_route in parts.items()}


def _growth(parts: typing.Sequence[Growth]) -> Growth:
    """By the earlier part, unless that grows, and the last half, which comes after it, does not or
    by less.
    """
    early, late = parts[0], parts[-1]
    if early.verdict != "grows" or (late.verdict == "grows" and not _is_less(late, early)):
        return early
    if late.verdict == "steady" and late.bytes_per_window.value > 0 and not _is_less(late, early):
        return late._replace(verdict="unknown")  # as much as before, or nothing: it may be either
    return late


def _is_less(one: Growth, other: Growth) -> bool:
    """Whether by more than chance."""
    (value, error), (more, error_of_more) = one.bytes_per_window, other.bytes_per_window
    return more - value > math.hypot(error, error_of_more)


def _growth_of_part(row: typing.Mapping[str, typing.Any], sampling: Sampling) -> Growth:
    value, error, count = row["bytes"], row["error"], row["windows"]
    if row["leaving"] == 0:
        error = sampling.unseen_bytes / count
    enough = count >= _LEAST_WINDOWS_FOR_GROWTH
    if not sampling.is_exact and 0 < row["leaving"] < TOO_FEW_SAMPLES:
        enough = False
    if row["is_late"] and value <= error:
        enough = True  # the earlier part has shown that growth would have been seen
    verdict = "unknown" if not enough else "grows" if value > error else "steady"
    return Growth(Estimate(value, error), count, verdict)


def window_of_row(row: typing.Mapping[str, typing.Any]) -> Window:
    """A row of the view `windows`."""
    return Window(
        window_id=row["window_id"],
        name=row["name"],
        kind=row["kind"],
        method=row["method"],
        status=row["status"],
        start_ns=row["start_ns"],
        duration_ns=row["duration_ns"],
        allocated_bytes=_figure(row, "allocated_bytes"),
        peak_bytes=_figure(row, "peak_bytes"),
        retained_bytes=_figure(row, "retained_bytes"),
        live_bytes=_figure(row, "live_bytes"),
        allocations=_figure(row, "allocations"),
        collector_ns=row["collector_ns"],
        samples=row["samples"],
        has_too_few_samples=row["too_few_samples"],
        attributes=row["attributes"],
        process_id=row["process_id"],
    )


def _holders_at_peak(trace: Trace) -> PeakHolders | None:
    series = live_series(trace)
    moment_ns = series.greatest_between(0, END_NS)
    if moment_ns is None:
        return None
    held = event_sums(
        trace,
        choose(trace, EVERYTHING),
        group="window",
        moment_ns=moment_ns,
        wanted=HELD,
        by_stack=False,
    )
    rows = run_statement(
        trace,
        "window_holders",
        {"count": _HOLDERS, "moment_ns": moment_ns},
        {"_event_sums": held},
    )
    holders = tuple(
        Holder(
            row["name"],
            row["kind"],
            row["method"],
            row["windows"],
            row["of_windows"],
            Estimate(row["bytes"], row["bytes_error"]),
            row["window_id"],
        )
        for row in rows
    )
    return PeakHolders(moment_ns, series.live_at(moment_ns), holders)
