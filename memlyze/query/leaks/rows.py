"""What is said of each site: the columns of the private table `leaks`, from curves and verdicts."""

from __future__ import annotations

import json
import typing

import numpy as np

from memlyze.query.leaks.clock import CELLS, COHORTS, Array
from memlyze.query.leaks.curves import BEFORE, Columns, Curves, Lives, lay_curves
from memlyze.query.leaks.shape import Shapes, measure
from memlyze.query.leaks.siblings import are_cut_short, are_jobs, growth_rates
from memlyze.query.leaks.verdicts import GROWING, WARMING_UP, Judgement, judge

#: Points of the curve that is shown.
_CURVE_POINTS = 60


class Process(typing.NamedTuple):
    """What is known of a process, or of several that are judged as one, before its sites are."""

    process_ids: list[int]
    """By their numbers in `lives`."""
    lives: Lives
    allocations: list[Columns]
    """Of each process."""
    windows: Columns
    """Of all."""


class Sites(typing.NamedTuple):
    """Which site each stack belongs to, by the number of the stack, and a frame for each site."""

    level: str
    of_stack: Array
    frame_row: Array
    """Row of `frames`; −1: no stack is known."""
    is_part: Array
    """Whether other stacks of the same place are another site."""


class Judged(typing.NamedTuple):
    """The sites of a process that had enough, in the order of `numbers`."""

    numbers: Array
    """As `Sites` gives them to the stacks."""
    judgement: Judgement
    columns: dict[str, Array]


def judged_sites(process: Process, sites: Sites, frames: Columns, *, looks: int = 1) -> Judged:
    """Judge the sites of a process. `looks`: as `judge` takes it."""
    lives = process.lives
    curves = lay_curves(lives, sites.of_stack)
    stack_site = _places(sites.of_stack, curves.sites)
    shapes = measure(curves, lives, stack_site)
    judgement = judge(curves, shapes, lives, looks=looks)
    judgement = _of_siblings(judgement, lives, curves, shapes)
    stays = curves.rows.died >= shapes.end[curves.rows.site]
    columns = {
        **_names(sites, curves, frames),
        "stack_id": _main_stacks(curves, stays),
        "stack_ids": _stack_ids(sites, curves),
        **_process_ids(process, curves, stays),
        **_figures(lives, curves, shapes, judgement),
        **_growth_per_window(process, curves, stays),
        **_survival(lives, curves, stays, stack_site),
        "samples": _samples(stack_site, lives, len(curves.sites)),
        "first_ns": _first_ns(stack_site, lives, len(curves.sites)),
    }
    return Judged(curves.sites, judgement, columns)


def _of_siblings(judgement: Judgement, lives: Lives, curves: Curves, shapes: Shapes) -> Judgement:
    """The judgement of several processes, where the life of each says otherwise."""
    cut_short = are_cut_short(lives, curves, shapes)
    verdict = np.where(cut_short & (judgement.verdict == GROWING), WARMING_UP, judgement.verdict)
    grew_until_freed = judgement.grew_until_freed & ~cut_short
    if are_jobs(lives):
        grew_until_freed = np.zeros_like(grew_until_freed)
    return judgement._replace(verdict=verdict, grew_until_freed=grew_until_freed)


def _stack_ids(sites: Sites, curves: Curves) -> Array:
    """The stacks of each site that has not all of its place; None: it has."""
    return texts(
        [
            json.dumps(np.flatnonzero(sites.of_stack == number).tolist())
            if sites.is_part[number]
            else None
            for number in curves.sites.tolist()
        ]
    )


def _names(sites: Sites, curves: Curves, frames: Columns) -> dict[str, Array]:
    row = sites.frame_row[curves.sites]
    known = row >= 0
    columns: dict[str, Array] = {}
    for name, unknown in (("function", "<unknown>"), ("file", "<unknown>"), ("origin", "runtime")):
        values = np.full(len(row), unknown, dtype=object)
        values[known] = frames[name][row[known]]
        columns[name] = values
    columns["line"] = np.zeros(len(row), dtype=np.int64)
    columns["line"][known] = 0 if sites.level == "function" else frames["line"][row[known]]
    return columns


def _figures(
    lives: Lives, curves: Curves, shapes: Shapes, judgement: Judgement
) -> dict[str, Array]:
    clock = lives.clock
    rates = growth_rates(lives, curves, shapes)
    shown = np.arange(CELLS // _CURVE_POINTS - 1, CELLS, CELLS // _CURVE_POINTS)
    return {
        "verdict": texts(judgement.verdict.tolist()),
        "grew_until_freed": judgement.grew_until_freed,
        "confidence": judgement.confidence,
        "p_value": judgement.p_value,
        "live_bytes": np.maximum(curves.live[:, -1], 0),
        "live_bytes_error": 1.96 * np.sqrt(curves.live_variance),
        "peak_bytes": curves.seen.max(axis=1, initial=0),
        "peak_bytes_error": 1.96 * np.sqrt(curves.peak_variance),
        "growth_bytes_per_second": shapes.gain * rates,
        "growth_error": 1.96 * np.sqrt(shapes.gain_variance) * rates,
        "growing_since_ns": clock.time_ns(shapes.onset),
        "judged_until_ns": clock.time_ns(shapes.end),
        "last_growth_ns": clock.time_ns(shapes.last_rise + 1),
        "collected_share": curves.collected,
        "live_samples": curves.live_samples.astype(np.int64),
        "curve": texts(
            [
                json.dumps([round(float(value)) for value in line])
                for line in curves.seen[:, clock.busy_cell[shown]]
            ]
        ),
    }


def _survival(lives: Lives, curves: Curves, stays: Array, stack_site: Array) -> dict[str, Array]:
    """How much of what each cohort was born with is there at the end of what is judged."""
    sites = len(curves.sites)
    rows = curves.rows
    survives = np.flatnonzero(stays & (rows.cohort != BEFORE))
    keys = rows.site[survives] * COHORTS + rows.cohort[survives]
    surviving = np.bincount(keys, weights=rows.bytes[survives], minlength=sites * COHORTS).reshape(
        sites, COHORTS
    )
    allocated = np.zeros((sites, COHORTS))
    known = stack_site >= 0
    np.add.at(allocated, stack_site[known], lives.stack_bytes[known])
    cohort_ns = (lives.end_ns - lives.start_ns) / COHORTS
    starts = [round(lives.start_ns + number * cohort_ns) for number in range(COHORTS)]
    cohorts = [
        [
            {"start_ns": start, "allocated": round(float(made)), "surviving": round(float(left))}
            for start, made, left in zip(starts, of_site, left_of_site)
        ]
        for of_site, left_of_site in zip(allocated, surviving)
    ]
    share = surviving.sum(axis=1) / np.maximum(allocated.sum(axis=1), 1)
    return {
        "survival": np.minimum(share, 1),
        "cohorts": texts([json.dumps(of_site) for of_site in cohorts]),
    }


def _growth_per_window(process: Process, curves: Curves, stays: Array) -> dict[str, Array]:
    """Of the windows in which most of what stays was born: how much one of them leaves behind."""
    sites = len(curves.sites)
    per_window, error = np.full(sites, np.nan), np.full(sites, np.nan)
    names = np.full(sites, None, dtype=object)
    rows, windows = curves.rows, process.windows
    stays = np.flatnonzero(stays & (rows.window_id > 0))
    if len(stays) and len(windows["window_id"]):
        labels, label_of_window = np.unique(windows["name"].astype(str), return_inverse=True)
        label_of_id = np.full(int(max(windows["window_id"].max(), rows.window_id.max())) + 1, -1)
        label_of_id[windows["window_id"]] = label_of_window
        label = label_of_id[rows.window_id[stays]]
        keys, (left, variance) = _added_up(
            rows.site[stays] * (len(labels) + 1) + label + 1,
            rows.bytes[stays],
            rows.variance[stays],
        )
        deviation = np.sqrt(variance)
        of_labels = zip(keys.tolist(), left.tolist(), deviation.tolist())
        for key, amount, of_amount in sorted(of_labels, key=lambda label: label[1]):
            site, number = key // (len(labels) + 1), key % (len(labels) + 1) - 1
            if number >= 0:
                names[site] = labels[number]
                count = int((label_of_window == number).sum())
                per_window[site] = amount / count
                error[site] = 1.96 * of_amount / count
    return {
        "growth_bytes_per_window": per_window,
        "growth_per_window_error": error,
        "window_name": names,
    }


def _added_up(keys: Array, *values: Array) -> tuple[Array, list[Array]]:
    """The distinct keys, which are not negative, in order; and the sum of each of `values` at
    each.
    """
    if len(keys) and int(keys.max()) > 4 * len(keys):  # few of those that there could be
        distinct, place = np.unique(keys, return_inverse=True)
        return distinct, [np.bincount(place, weights=each) for each in values]
    distinct = np.flatnonzero(np.bincount(keys))
    return distinct, [np.bincount(keys, weights=each)[distinct] for each in values]


def _main_stacks(curves: Curves, stays: Array) -> Array:
    """The stack of each site that most of what stays comes from; where nothing stays, most of what
    outlived its cell.
    """
    rows = curves.rows
    if not len(rows.site):
        return np.empty(0, dtype=np.int64)
    # The little weight of what died only decides where nothing stays.
    size = np.bincount(rows.stack_id, weights=rows.bytes * np.where(stays, 1, 1e-9))
    site = np.full(len(size), -1)
    site[rows.stack_id] = rows.site
    stacks = np.flatnonzero(site >= 0)
    stacks = stacks[np.argsort(size[stacks], kind="stable")]
    main = np.zeros(len(curves.sites), dtype=np.int64)
    main[site[stacks]] = stacks  # of several, the last stays
    return main


def _process_ids(process: Process, curves: Curves, stays: Array) -> dict[str, Array]:
    """The processes in which something of each site stays, the one that has most of it first. Where
    nothing stays, the one that had most of it.
    """
    rows, count = curves.rows, len(process.process_ids)
    of_process = np.bincount(
        rows.site * count + rows.process,
        weights=rows.bytes * np.where(stays, 1, 1e-12),  # the little weight as in `_main_stacks`
        minlength=len(curves.sites) * count,
    ).reshape(-1, count)
    order = np.argsort(-of_process, axis=1, kind="stable")
    holding = np.maximum((of_process >= 1).sum(axis=1), 1)
    process_ids = np.array(process.process_ids)[order]
    return {
        "process_id": process_ids[:, 0],
        "process_ids": texts(
            [json.dumps(of_site[:most].tolist()) for of_site, most in zip(process_ids, holding)]
        ),
    }


def _places(of_stack: Array, sites: Array) -> Array:
    """For each stack the row of its site; −1 where that has none."""
    row = np.full(int(max(of_stack.max(initial=0), sites.max(initial=0))) + 1, -1)
    row[sites] = np.arange(len(sites))
    return row[of_stack]


def _samples(stack_site: Array, lives: Lives, sites: int) -> Array:
    known = stack_site >= 0
    samples = lives.stack_samples.sum(axis=1)[known]
    return np.bincount(stack_site[known], weights=samples, minlength=sites).astype(np.int64)


def _first_ns(stack_site: Array, lives: Lives, sites: int) -> Array:
    first = np.full(sites, np.iinfo(np.int64).max)
    known = stack_site >= 0
    np.minimum.at(first, stack_site[known], lives.stack_first_ns[known])
    return first


def texts(values: typing.Sequence[typing.Any]) -> Array:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array
