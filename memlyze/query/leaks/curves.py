"""The live bytes of each allocation site over time.

The life of a process is cut into `CELLS` cells of equal length. What is born and dies within one
cell never shows at its end and is left out early: that is nearly everything, so that the rest can
be laid out site by site.
"""

from __future__ import annotations

import typing

import numpy as np

from memlyze._speedups import _event_sums
from memlyze.query.halves import in_halves
from memlyze.query.leaks.clock import CELLS, COHORTS, Array, Clock, Work, work_clock

Columns = typing.Mapping[str, Array]

_CELLS_PER_COHORT = CELLS // COHORTS
_COLLECTION_MARGIN_NS = 2_000_000  # events carry a coarse clock
#: Sites beyond these, by live bytes at their greatest, are not looked at.
_MOST_SITES = 1500
#: A site that never had as much is not looked at.
LEAST_BYTES = 16 << 10


#: Cell and cohort of birth of what was there when it all began.
BEFORE = -1
#: A curve of one block is smoothed over so many cells.
_SMOOTHED_CELLS = 9
#: Where no greater share of its blocks goes unseen, one that is replaced is seen most of the time.
_MOSTLY_SEEN = 1 / 3


#: What dies within so many cells only passes through a site that keeps what gets older: that is
#: where no more than this share of what it keeps was freed later, and of what it has is as young.
_PASSING_CELLS = CELLS // 40
_FREED_LATER = 0.1
#: No greater share of what a site had at its peak does not show that it keeps anything.
_CRUMBS = 0.05
_YOUNG = 0.5


class Lives(typing.NamedTuple):
    """The allocations that lived beyond their cell, and sums over all of them: those of one
    process, or of several that are judged together.
    """

    start_ns: int
    end_ns: int
    stack_id: Array
    born: Array
    """Cell of busy time of its birth; `BEFORE`."""
    died: Array
    """Cell of busy time of its death; `CELLS`: live at the end."""
    cohort: Array
    """Of birth; `BEFORE`."""
    bytes: Array
    variance: Array
    """Of the estimate of `bytes`: 0 where all allocations are recorded."""
    window_id: Array
    died_in_collection: Array
    process: Array
    """Number of the process among those that are judged together."""
    activity: Array
    """Recorded allocations in each cell."""
    stack_bytes: Array
    """Bytes allocated, by stack and cohort."""
    stack_samples: Array
    """Recorded allocations, by stack and cohort."""
    stack_first_ns: Array
    """Time of the first, by stack."""
    is_exact: bool
    clock: Clock
    spans: Array
    """From when to when each process was watched, in nanoseconds: processes × 2."""


#: What `Lives` has of each allocation.
OF_EACH = (
    "stack_id",
    "born",
    "died",
    "cohort",
    "bytes",
    "variance",
    "window_id",
    "died_in_collection",
    "process",
)


class Requests(typing.NamedTuple):
    """Requests of one name, in the order in which they began, where time is counted by them:
    `CELLS` units of it are one request. A block is born in its own request, whenever that was
    served, and dies in it, or when so many requests had begun.
    """

    number_of_window: Array
    """By its id; −1: not one of these."""
    start_ns: Array
    end_ns: Array
    """Negative: it has not ended."""


class Rows(typing.NamedTuple):
    """Allocations that lived beyond their cell, of the sites that have curves: as in `Lives`."""

    site: Array
    """Row of the site among the curves."""
    born: Array
    died: Array
    cohort: Array
    bytes: Array
    variance: Array
    stack_id: Array
    window_id: Array
    process: Array


class Curves(typing.NamedTuple):
    """Sites × cells."""

    sites: Array
    """Number of each site, as the caller gave them to the stacks."""
    before: Array
    """Bytes that were there when it all began, by site."""
    seen: Array
    """Bytes live at the end of each cell."""
    peak_variance: Array
    """Of what was live when most was, by site."""
    live: Array
    """As `seen`, without what only passes through: see `_passes`."""
    is_single: Array
    """Whether it is one block that is replaced, as a buffer that is copied to grow; by site. Its
    curve is smoothed.
    """
    born: Array
    """Bytes of `live` that were born in each cell."""
    died: Array
    live_variance: Array
    """Of what is live at the end, by site."""
    live_samples: Array
    """Recorded allocations that are live at the end, by site."""
    lasting_samples: Array
    """Recorded allocations that `live` was made of, by site."""
    ended_samples: Array
    """Of these, those that were freed, by site."""
    collected: Array
    """Share of what died that died in runs of the collector, by site."""
    rows: Rows
    """What `live` was made of."""


def read_lives(
    allocations: Columns,
    rows: slice,
    collections: Columns,
    pauses: Array,
    work: Work | None,
    span: tuple[int, int],
    stacks: int,
    *,
    requests: Requests | None = None,
    clock: Clock | None = None,
) -> Lives:
    """Sort the allocations of one process: `rows` of the table, which are of `span[0]` to
    `span[1]`, and those of before that were still there then.

    `requests`: those in which the allocations were made that are looked at, and that all times are
    counted by. `pauses` and `work` as `work_clock` takes them, unless there is a `clock` already;
    `stacks` is one more than the greatest number of a stack.
    """
    start_ns, end_ns = span
    end_ns = max(end_ns, start_ns + CELLS)
    of_process = {name: column[rows] for name, column in allocations.items()}
    found = _sorted_lives(
        of_process,
        start_ns=start_ns,
        cells_per_ns=CELLS / (end_ns - start_ns),
        cells=CELLS,
        cells_per_cohort=_CELLS_PER_COHORT,
        stacks=stacks,
        **_counted_by(requests),
    )
    lasting = found["row"]
    size = of_process["size"][lasting].astype(np.float64)
    is_exact = "weight" not in of_process
    weight = 1 if is_exact else of_process["weight"][lasting]
    weighted = size * weight
    activity = found["activity"].astype(np.float64)
    if clock is None:
        clock = work_clock(activity, start_ns, end_ns, is_exact=is_exact, pauses=pauses, work=work)
    born = found["born"]
    return Lives(
        start_ns=start_ns,
        end_ns=end_ns,
        stack_id=of_process["stack_id"][lasting],
        born=np.where(born == BEFORE, BEFORE, clock.busy_cell[born]).astype(np.int16),
        died=clock.busy_cell[found["died"]].astype(np.int16),
        cohort=(born // _CELLS_PER_COHORT).astype(np.int8),
        bytes=weighted,
        variance=weighted * size * (weight - 1),
        window_id=of_process["window_id"][lasting],
        died_in_collection=_in_collection(of_process["freed_ns"][lasting], collections),
        process=np.zeros(len(born), np.int16),
        activity=activity,
        stack_bytes=found["stack_bytes"],
        stack_samples=found["stack_samples"],
        stack_first_ns=found["stack_first_ns"],
        is_exact=is_exact,
        clock=clock,
        spans=np.array([[start_ns, end_ns]], np.int64),
    )


def _sorted_lives(columns: Columns, **how: typing.Any) -> dict[str, Array]:
    """What `sort_lives` gives for these rows of `allocations`."""

    def sort(rows: slice) -> dict[str, Array]:
        found: dict[str, Array] = _event_sums.sort_lives(
            {name: column[rows] for name, column in columns.items()}, **how
        )
        found["row"] += rows.start
        return found

    first, *others = in_halves(sort, len(columns["time_ns"]))
    for second in others:
        for name, values in second.items():
            if name in ("row", "born", "died"):
                first[name] = np.concatenate([first[name], values])
            elif name == "stack_first_ns":
                np.minimum(first[name], values, out=first[name])
            else:
                first[name] += values
    return first


def _counted_by(requests: Requests | None) -> dict[str, Array]:
    """`requests` as `sort_lives` takes them."""
    if requests is None:
        return {}
    not_ended = requests.end_ns < 0
    return {
        "number_of_window": requests.number_of_window.astype(np.int32),
        "request_start_ns": requests.start_ns,
        "request_end_ns": np.where(not_ended, np.iinfo(np.int64).max, requests.end_ns),
    }


def lay_curves(lives: Lives, site_of_stack: Array) -> Curves:
    """The curves of the sites that `LEAST_BYTES` were made of.

    `site_of_stack` says which site a stack belongs to, by its number.
    """
    site = site_of_stack[lives.stack_id]
    total = np.bincount(site, weights=lives.bytes * (lives.born != BEFORE))
    sites = np.flatnonzero(total >= LEAST_BYTES)
    if len(sites) > _MOST_SITES:
        sites = np.sort(sites[np.argsort(total[sites])[-_MOST_SITES:]])
    row_of_site = np.full(len(total), -1)
    row_of_site[sites] = np.arange(len(sites))
    row = row_of_site[site] if len(site) else site
    chosen = np.flatnonzero(row >= 0)
    rows = Rows(row[chosen], *(getattr(lives, name)[chosen] for name in Rows._fields[1:]))
    size, count = (_by_cell(rows, weights, len(sites)) for weights in (rows.bytes, None))
    seen, blocks = size.live(), count.live()
    is_single = _is_single(rows, blocks, count.births)
    seen[is_single] = _smoothed(seen[is_single] / np.maximum(blocks[is_single], 1))
    peak_variance = _variance_at_peak(rows, seen)
    collected = _share_collected(rows, lives.died_in_collection[chosen], size)
    passes = _passes(rows, size, ~is_single)
    if passes.any():
        kept = np.flatnonzero(~passes)
        rows = Rows(*(column[kept] for column in rows))
        size, count = (_by_cell(rows, weights, len(sites)) for weights in (rows.bytes, None))
    is_new_and_ended = (rows.born != BEFORE) & (rows.died < CELLS)
    return Curves(
        sites=sites,
        before=size.before,
        seen=seen,
        peak_variance=peak_variance,
        live=np.where(is_single[:, None], seen, size.live()),
        is_single=is_single,
        born=size.births,
        died=size.deaths,
        live_variance=_by_cell(rows, rows.variance, len(sites)).left,
        live_samples=count.left,
        lasting_samples=count.births.sum(axis=1),
        ended_samples=np.bincount(rows.site[is_new_and_ended], minlength=len(sites)),
        collected=collected,
        rows=rows,
    )


class _ByCell(typing.NamedTuple):
    """Sums over allocations, by site and cell: sites × (`CELLS` + 1)."""

    born: Array
    """The first column is of those of `BEFORE`."""
    died: Array
    """The last column is of those that are live at the end."""

    @property
    def before(self) -> Array:
        return self.born[:, 0]

    @property
    def births(self) -> Array:
        return self.born[:, 1:]

    @property
    def deaths(self) -> Array:
        return self.died[:, :CELLS]

    @property
    def left(self) -> Array:
        return self.died[:, CELLS]

    def live(self) -> Array:
        """Of each site what is live at the end of each cell."""
        live: Array = self.before[:, None] + np.cumsum(self.births - self.deaths, axis=1)
        return live


def _by_cell(rows: Rows, weights: Array | None, sites: int) -> _ByCell:
    """The sums of the weights of these rows, or how many there are."""
    if weights is not None and not weights.any():  # variances of what is recorded exactly
        return _ByCell(*np.zeros((2, sites, CELLS + 1)))
    columns = CELLS + 1
    return _ByCell(
        *(
            np.bincount(
                rows.site * columns + cell, weights=weights, minlength=sites * columns
            ).reshape(sites, columns)
            for cell in (rows.born + 1, rows.died)
        )
    )


def _is_single(rows: Rows, blocks: Array, births: Array) -> Array:
    """Whether each site is one block that is replaced, from how many are live in each cell, and how
    many were born.
    """
    is_single: Array = blocks.max(axis=1, initial=0) <= 2
    if rows.variance.any():
        is_new = rows.born != BEFORE
        missed = rows.variance / np.maximum(rows.bytes, 1) ** 2  # 1 − 1 / weight, each
        missed = np.bincount(rows.site[is_new], weights=missed[is_new], minlength=len(is_single))
        is_single &= missed <= _MOSTLY_SEEN * births.sum(axis=1)
    return is_single


def gained_and_lost(rows: Rows, since: Array, end: Array) -> tuple[Array, Array]:
    """Which rows were born from one cell of their site to before another and stayed, and which were
    there before and went meanwhile. What came and went in between is neither.
    """
    first, last = since[rows.site], end[rows.site]
    is_gained = (rows.born >= first) & (rows.born < last) & (rows.died >= last)
    is_lost = (rows.born < first) & (rows.died >= first) & (rows.died < last)
    return is_gained, is_lost


def _variance_at_peak(rows: Rows, live: Array) -> Array:
    """Of each site that of what was live when most was."""
    if not rows.variance.any():
        return np.zeros(len(live))
    peak = live.argmax(axis=1)[rows.site]
    is_live = (rows.born <= peak) & (peak < rows.died)
    return np.bincount(rows.site[is_live], weights=rows.variance[is_live], minlength=len(live))


def _share_collected(rows: Rows, in_collection: Array, size: _ByCell) -> Array:
    """Share of what died of each site that died in runs of the collector."""
    collected = in_collection & (rows.died < CELLS)
    share: Array = np.bincount(
        rows.site[collected], weights=rows.bytes[collected], minlength=len(size.died)
    ) / np.maximum(size.deaths.sum(axis=1), 1)
    return share


def _passes(rows: Rows, size: _ByCell, may_pass: Array) -> Array:
    """Which allocations only pass through their site, on the way to be freed soon, while it keeps
    what gets older: as where a task keeps a part of what it makes. What passes through at one
    moment and not at another looks as if what stays had shrunk. `may_pass`: of which sites it is
    asked.
    """
    ended = rows.died < CELLS
    passes = (rows.born != BEFORE) & ended & (rows.died - rows.born < _PASSING_CELLS)
    is_young = ~ended & (rows.born >= CELLS - _PASSING_CELLS)
    passing, young = (
        np.bincount(rows.site[which], weights=rows.bytes[which], minlength=len(may_pass))
        for which in (passes, is_young)
    )
    stays, freed_later = size.left - young, size.deaths.sum(axis=1) - passing
    # A crumb that stays makes no passing of blocks that are replaced by greater ones.
    keeps = may_pass & (stays > _CRUMBS * size.live().max(axis=1, initial=0))
    keeps &= (freed_later <= _FREED_LATER * stays) & (young <= _YOUNG * stays)
    return passes & keeps[rows.site]


def _smoothed(live: Array) -> Array:
    """The median of each level and its neighbours, of those in which there is anything: one block
    in place of another is missed by sampling now and then, and there beside it for a moment.
    """
    side = _SMOOTHED_CELLS // 2
    padded = np.pad(live, ((0, 0), (side, side)), mode="edge")
    levels = np.sort(np.lib.stride_tricks.sliding_window_view(padded, _SMOOTHED_CELLS, axis=1))
    nothing = (levels <= 0).sum(axis=2)
    middle = np.minimum((_SMOOTHED_CELLS + nothing) // 2, _SMOOTHED_CELLS - 1)
    median: Array = np.take_along_axis(levels, middle[:, :, None], axis=2)[:, :, 0]
    is_over = np.maximum.accumulate(live[:, ::-1] > 0, axis=1)[:, ::-1] == 0
    return np.where(is_over, 0, median)


def _in_collection(freed_ns: Array, collections: Columns) -> Array:
    """Whether each time lies within a run of the collector."""
    starts = collections["time_ns"] - _COLLECTION_MARGIN_NS
    if not len(starts):
        return np.zeros(len(freed_ns), dtype=bool)
    ends = collections["time_ns"] + collections["duration_ns"] + _COLLECTION_MARGIN_NS
    place = np.searchsorted(starts, freed_ns, side="right") - 1
    return (place >= 0) & (freed_ns <= ends[np.maximum(place, 0)])
