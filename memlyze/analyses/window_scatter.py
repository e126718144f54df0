"""Windows by the thousand, as columns: for scatter pictures and distributions."""

from __future__ import annotations

import typing

import numpy as np

from memlyze.analyses.estimates import Estimate, Sampling
from memlyze.analyses.statements import run_columns
from memlyze.analyses.windows import NOT_JUDGED, Growth
from memlyze.query.session import Trace

Array = typing.Any  # a one-dimensional numpy array
Columns = typing.Dict[str, Array]

#: Where the distribution of a figure is told.
QUANTILES = (0.0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0)
_OPEN = -1


class Distribution(typing.NamedTuple):
    """Values at QUANTILES; None: of no window is it known."""

    q: tuple[float, ...]
    allocated_bytes: list[float | None]
    retained_bytes: list[float | None]
    duration_ns: list[float | None]


class WindowName(typing.NamedTuple):
    """All windows of one name and kind."""

    name: str
    kind: str
    windows: int
    allocated: Estimate
    mean_allocated: Estimate
    max_allocated_bytes: float
    retained: Estimate
    live: Estimate
    """Not freed when recording ended."""
    growth: Growth
    """What its windows leave behind in the whole recording, not these alone."""
    mean_duration_ns: float | None
    max_duration_ns: int | None
    samples: int
    quantiles: Distribution


def window_columns(trace: Trace) -> Columns:
    """What each window took: `window_id`, `parent_id` (0: none), `kind`, `name` (with its
    method, as it is listed), `start_ns`,
    `duration_ns` (−1: open when recording ended), `thread_id` (0: none), `process_id`,
    `allocated_bytes`, `retained_bytes`, each with its `…_error` and the `…_variance` behind it,
    `live_bytes` with its `live_variance`, and `samples`.
    """
    columns = run_columns(trace, "window_columns")
    return {name: np.asarray(values) for name, values in columns.items()}


def chosen_windows(
    columns: Columns,
    *,
    from_ns: int,
    to_ns: int,
    process_id: int | None = None,
    thread_id: int | None = None,
    name: str | None = None,
    kind: str | None = None,
) -> Columns:
    """Those of `window_columns` that opened in a range, and have what is not None."""
    starts = columns["start_ns"]
    is_chosen = (starts >= from_ns) & (starts < to_ns)
    wanted = {"process_id": process_id, "thread_id": thread_id, "name": name, "kind": kind}
    for column, value in wanted.items():
        if value is not None:
            is_chosen &= columns[column] == value
    return {column: values[is_chosen] for column, values in columns.items()}


def window_names(
    columns: Columns,
    sampling: Sampling,
    growths: typing.Mapping[tuple[typing.Any, ...], Growth],
    *,
    count: int,
) -> tuple[list[WindowName], int]:
    """The windows by name and kind, those that allocated most first, and how many names there are
    in all. `growths` is what `growth_by_label` gives.
    """
    known: dict[tuple[str, str], int] = {}
    keys = zip(columns["name"].tolist(), columns["kind"].tolist())
    numbers = np.array([known.setdefault(key, len(known)) for key in keys], dtype=np.int64)
    order = np.argsort(numbers, kind="stable")
    bounds = np.searchsorted(numbers[order], np.arange(len(known) + 1))
    found = []
    for (name, kind), first, end in zip(known, bounds[:-1].tolist(), bounds[1:].tolist()):
        rows = order[first:end]
        of_name = {column: columns[column][rows] for column in columns}
        growth = growths.get((name, kind), NOT_JUDGED)
        found.append(_window_name(name, kind, of_name, sampling, growth))
    found.sort(key=lambda row: (-row.allocated.value, row.name, row.kind))
    return found[:count], len(found)


def _window_name(
    name: str, kind: str, rows: Columns, sampling: Sampling, growth: Growth
) -> WindowName:
    durations = rows["duration_ns"][rows["duration_ns"] != _OPEN]
    allocated, retained = rows["allocated_bytes"], rows["retained_bytes"]
    total = sampling.of_bytes(float(allocated.sum()), float(rows["allocated_variance"].sum()))
    return WindowName(
        name=name,
        kind=kind,
        windows=len(allocated),
        allocated=total,
        mean_allocated=Estimate(total.value / len(allocated), total.error / len(allocated)),
        max_allocated_bytes=float(allocated.max()),
        retained=sampling.of_bytes(float(retained.sum()), float(rows["retained_variance"].sum())),
        live=sampling.of_bytes(float(rows["live_bytes"].sum()), float(rows["live_variance"].sum())),
        growth=growth,
        mean_duration_ns=float(durations.mean()) if len(durations) else None,
        max_duration_ns=int(durations.max()) if len(durations) else None,
        samples=int(rows["samples"].sum()),
        quantiles=Distribution(
            QUANTILES, _quantiles(allocated), _quantiles(retained), _quantiles(durations)
        ),
    )


def _quantiles(values: Array) -> list[float | None]:
    if not len(values):
        return [None] * len(QUANTILES)
    return [float(value) for value in np.quantile(values, QUANTILES)]
