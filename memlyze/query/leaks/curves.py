"""The live bytes of each allocation site over time.

The life of a process is cut into `CELLS` cells of equal length. What is born and dies within one
cell never shows at its end and is left out early: that is nearly everything, so that the rest can
be laid out site by site.
"""

from __future__ import annotations

import typing

import numpy as np

from memlyze.query.leaks.clock import CELLS, COHORTS, Array, Clock, Work, work_clock

Columns = typing.Mapping[str, Array]

_CELLS_PER_COHORT = CELLS // COHORTS
# So many rows at a time: what is made of them meanwhile stays in the processor's cache.
_CHUNK_ROWS = 1 << 16
_LIVE = -1
_MAPPED_MEMORY = 4  # the last allocator that counts as an allocation
_COLLECTION_MARGIN_NS = 2_000_000  # events carry a coarse clock
#: Sites beyond these, by live bytes at their greatest, are not looked at.
_MOST_SITES = 1500
#: A site that never had as much is not looked at.
LEAST_BYTES = 16 << 10


#: Cell and cohort of birth of what was there when it all began.
BEFORE = -1
#: Of no allocations: what `read_lives` keeps of each.
_NOTHING = tuple(
    np.empty(0, dtype)
    for dtype in (np.int64, np.int16, np.int16, np.float64, np.float64, np.int64, np.bool_)
)


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
    live: Array
    """Bytes live at the end of each cell."""
    born: Array
    """Bytes born in each cell that lived beyond it."""
    died: Array
    variance: Array
    """Of what was born or died in each cell."""
    live_variance: Array
    """Of what is live at the end, by site."""
    live_samples: Array
    """Recorded allocations that are live at the end, by site."""
    lasting_samples: Array
    """Recorded allocations that lived beyond their cell, by site."""
    collected: Array
    """Share of what died that died in runs of the collector, by site."""
    rows: Rows
    """What the curves were made of."""


def read_lives(
    allocations: Columns,
    rows: slice,
    collections: Columns,
    pauses: Array,
    work: Work | None,
    span: tuple[int, int],
    stacks: int,
    *,
    clock: Clock | None = None,
) -> Lives:
    """Sort the allocations of one process: `rows` of the table, which are of `span[0]` to
    `span[1]`, and those of before that were still there then.

    `pauses` and `work` as `work_clock` takes them, unless there is a `clock` already; `stacks` is
    one more than the greatest number of a stack.
    """
    start_ns, end_ns = span
    end_ns = max(end_ns, start_ns + CELLS)
    scale = CELLS / (end_ns - start_ns)
    is_exact = "weight" not in allocations
    kept: list[tuple[Array, ...]] = []
    activity = np.zeros(CELLS)
    stack_bytes = np.zeros(stacks * COHORTS)
    stack_samples = np.zeros(stacks * COHORTS, dtype=np.int64)
    stack_first_ns = np.full(stacks, np.iinfo(np.int64).max)
    chunk_rows = max(_CHUNK_ROWS, 2 * stacks * COHORTS)  # sums by stack are as many in each chunk
    for first in range(rows.start, rows.stop, chunk_rows):
        part = slice(first, min(first + chunk_rows, rows.stop))
        time_ns, freed_ns = allocations["time_ns"][part], allocations["freed_ns"][part]
        counts = allocations["allocator"][part] <= _MAPPED_MEMORY
        stack_id = allocations["stack_id"][part]
        size = allocations["size"][part].astype(np.float64)
        weight = None if is_exact else allocations["weight"][part]
        if not counts.all():
            time_ns, freed_ns, stack_id, size = (
                array[counts] for array in (time_ns, freed_ns, stack_id, size)
            )
            weight = None if weight is None else weight[counts]
        weighted = size if weight is None else size * weight
        born = _cells(time_ns, start_ns, scale)
        is_new = time_ns >= start_ns
        new = slice(None) if is_new.all() else is_new
        activity += np.bincount(born[new], minlength=CELLS)
        cohort = stack_id[new].astype(np.int64) * COHORTS + born[new] // _CELLS_PER_COHORT
        stack_bytes += np.bincount(cohort, weights=weighted[new], minlength=stacks * COHORTS)
        stack_samples += np.bincount(cohort, minlength=stacks * COHORTS)
        born[~is_new] = BEFORE
        # Rows are nearly in order of time: the first row of each stack in a chunk will do.
        first_ns = np.full(stacks, np.iinfo(np.int64).max)
        first_ns[stack_id[::-1]] = time_ns[::-1]  # of several, the last stays
        np.minimum(stack_first_ns, first_ns, out=stack_first_ns)
        died = _cells(freed_ns, start_ns, scale)
        died[freed_ns == _LIVE] = CELLS
        lasting = died > born
        freed = freed_ns[lasting]
        variance = (
            np.zeros(int(lasting.sum()))
            if weight is None
            else (weighted * size * (weight - 1))[lasting]
        )
        window_id = allocations["window_id"][part]
        kept.append(
            (
                stack_id[lasting],
                born[lasting].astype(np.int16),
                died[lasting].astype(np.int16),
                weighted[lasting],
                variance,
                (window_id if counts.all() else window_id[counts])[lasting],
                _in_collection(freed, collections),
            )
        )
    if not kept:
        kept.append(_NOTHING)
    joined = (np.concatenate(arrays) for arrays in zip(*kept))
    stack_id, born, died, weighted, variance, window_id, died_in_collection = joined
    if clock is None:
        clock = work_clock(activity, start_ns, end_ns, is_exact=is_exact, pauses=pauses, work=work)
    return Lives(
        start_ns=start_ns,
        end_ns=end_ns,
        stack_id=stack_id,
        born=np.where(born == BEFORE, BEFORE, clock.busy_cell[born]).astype(np.int16),
        died=clock.busy_cell[died].astype(np.int16),
        cohort=(born // _CELLS_PER_COHORT).astype(np.int8),
        bytes=weighted,
        variance=variance,
        window_id=window_id,
        died_in_collection=died_in_collection,
        process=np.zeros(len(born), np.int16),
        activity=activity,
        stack_bytes=stack_bytes.reshape(stacks, COHORTS),
        stack_samples=stack_samples.reshape(stacks, COHORTS),
        stack_first_ns=stack_first_ns,
        is_exact=is_exact,
        clock=clock,
    )


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
    chosen = row >= 0
    rows = Rows(row[chosen], *(getattr(lives, name)[chosen] for name in Rows._fields[1:]))
    is_new, ended = rows.born != BEFORE, rows.died < CELLS

    def lay(which: Array, cells: Array, weights: Array) -> Array:
        flat = np.bincount(
            rows.site[which] * CELLS + cells[which],
            weights=weights[which],
            minlength=len(sites) * CELLS,
        )
        return flat.reshape(len(sites), CELLS)

    def add_up(which: Array, weights: Array | None = None) -> Array:
        return np.bincount(
            rows.site[which],
            weights=None if weights is None else weights[which],
            minlength=len(sites),
        )

    born_bytes, died_bytes = lay(is_new, rows.born, rows.bytes), lay(ended, rows.died, rows.bytes)
    in_collection = ended & lives.died_in_collection[chosen]
    before = add_up(~is_new, rows.bytes)
    return Curves(
        sites=sites,
        before=before,
        live=before[:, None] + np.cumsum(born_bytes - died_bytes, axis=1),
        born=born_bytes,
        died=died_bytes,
        variance=lay(is_new, rows.born, rows.variance) + lay(ended, rows.died, rows.variance),
        live_variance=add_up(~ended, rows.variance),
        live_samples=add_up(~ended),
        lasting_samples=add_up(is_new),
        collected=add_up(in_collection, rows.bytes) / np.maximum(add_up(ended, rows.bytes), 1),
        rows=rows,
    )


def _cells(time_ns: Array, start_ns: int, scale: float) -> Array:
    cells = ((time_ns - start_ns) * scale).astype(np.int64)
    return np.clip(cells, 0, CELLS - 1, out=cells)


def _in_collection(freed_ns: Array, collections: Columns) -> Array:
    """Whether each time lies within a run of the collector."""
    starts = collections["time_ns"] - _COLLECTION_MARGIN_NS
    if not len(starts):
        return np.zeros(len(freed_ns), dtype=bool)
    ends = collections["time_ns"] + collections["duration_ns"] + _COLLECTION_MARGIN_NS
    place = np.searchsorted(starts, freed_ns, side="right") - 1
    return (place >= 0) & (freed_ns <= ends[np.maximum(place, 0)])
