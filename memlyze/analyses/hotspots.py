"""Where memory is allocated: by line, function, file, module, thread, process, window or type."""

from __future__ import annotations

import math
import typing

import numpy as np

from memlyze.analyses.estimates import Estimate, Sampling
from memlyze.analyses.event_sums import HELD, LIVE, MAPPED, TEMPORARY, Array, Columns, event_sums
from memlyze.analyses.group_labels import group_labels
from memlyze.analyses.place_sums import FIGURES, figures_of, main_inner
from memlyze.analyses.places import places_of
from memlyze.analyses.sampling import sampling_of
from memlyze.analyses.selection import END_NS, EVERYTHING, Selection, choose
from memlyze.analyses.statements import run_statement
from memlyze.errors import MemlyzeError
from memlyze.query.session import Trace

#: What figures can be summed by. `site`: the innermost line of the program's own code, as
#: `hotspots()` in SQL chooses it; `line`: the innermost line, whosever code it is. A function, file
#: or module is that of the site.
PLACES = ("site", "line", "function", "file", "module")
GROUPS = ("thread", "process", "window", "type")
SORTS = ("allocated", "allocations", "live", "peak", "temporary", "lifetime")
#: What is freed within this time is temporary. The clock of a trace moves about every millisecond.
TEMPORARY_NS = 1_000_000
#: What has no type: by `type`.
UNKNOWN_TYPE = "unknown: not live at a checkpoint, or no object"
# Columns that name a row, the first that it has.
_NAMED_BY = ("group_name", "function", "file", "module")
_ORDER = ("file", "line", "function", "module", "group_name")
# What a row has that is no place, or of which no stack is known.
_NAMELESS = {
    **dict.fromkeys(_ORDER),
    **dict.fromkeys(("origin", "inner_function", "inner_file", "inner_line", "mean_lifetime_ns")),
}
_SORTED_BY = {
    "allocated": "bytes",
    "allocations": "allocations",
    "live": "live_bytes",
    "peak": "held_bytes",
    "temporary": "temporary_bytes",
    "lifetime": "mean_lifetime_ns",
}


class Hotspot(typing.NamedTuple):
    """What one place or group allocated."""

    name: str
    """How a person would call it: a function, a path, a module, a thread, a window."""
    function: str
    """Empty where it is not by site, line or function."""
    file: str
    """Empty where it is by thread, process, window or (where modules have names) by module."""
    line: int | None
    """None where it is not by site or line."""
    module: str | None
    origin: str | None
    """Whose code it is, as in the view `frames`; None: it is no place."""
    bytes: Estimate
    """Allocated there."""
    allocations: Estimate
    """How many they were."""
    live_bytes: Estimate
    """Of `bytes`, not freed when recording ended."""
    held_bytes: Estimate
    """Of `bytes`, live at the moment that was asked for."""
    held_mapped_bytes: Estimate
    """Of `held_bytes`, mapped memory (`mmap`): addresses, of which only what was written to is
    resident.
    """
    temporary_bytes: Estimate
    """Of `bytes`, freed soon."""
    temporary_allocations: float
    """How many of them were freed soon."""
    mean_lifetime_ns: float | None
    """Of the allocations that were freed; None: none was."""
    samples: int
    has_too_few_samples: bool
    """Whether `bytes` rests on too few samples to be shown as precise: its error is more than 62 %
    of it.
    """
    inner_function: str | None
    """Function of the innermost frame that more than half of what the rows are sorted by comes from
    (of a lifetime: of the bytes); null: none is known, or there is none.
    """
    inner_file: str | None
    """Source file of that frame."""
    inner_line: int | None
    """Line of that frame."""


class Hotspots(typing.NamedTuple):
    """The first of the places or groups in the order that was asked for, and all together."""

    by: str
    """What a row is: one of `PLACES` or `GROUPS`."""
    sort: str
    """What the rows are in the order of: one of `SORTS`."""
    moment_ns: int | None
    """The moment of `held_bytes`; None: the end."""
    temporary_ns: int
    """What was freed within this time counts as temporary."""
    within_allocations: int | None
    """Not what was freed within the time does, but what its thread freed before it had made so many
    further allocations; None: the time counts.
    """
    row_count: int
    """How many places or groups there are."""
    total: Hotspot | None
    """All of them together; None: there are none."""
    rows: tuple[Hotspot, ...]
    """The greatest first."""


def hotspots(
    trace: Trace,
    *,
    by: str = "site",
    sort: str = "allocated",
    count: int = 20,
    moment_ns: int = END_NS,
    temporary_ns: int = TEMPORARY_NS,
    within_allocations: int | None = None,
    selection: Selection = EVERYTHING,
) -> Hotspots:
    """The `count` greatest places or groups (`PLACES`, `GROUPS`), in the order of `sort` (`SORTS`;
    `peak` is what is live at `moment_ns`).

    By `type`, what is live at a checkpoint is told apart by the type of the object that it is, or
    is the buffer of.

    With `within_allocations`, temporary is not what was freed within `temporary_ns`, but what the
    thread that made it freed before it had made so many further allocations: 1 is what was freed
    before any other. While sampling, the number is estimated from those that were recorded.

    Raises MemlyzeError for a `by` or `sort` that there is not, for `type` where the trace has no
    checkpoint or with `within_allocations`, and SelectionError.
    """
    if by not in PLACES + GROUPS:
        known = ", ".join(PLACES + GROUPS)
        raise MemlyzeError(f"nothing can be summed by {by!r}; take one of {known}")
    if sort not in SORTS:
        raise MemlyzeError(f"nothing is sorted by {sort!r}; take one of {', '.join(SORTS)}")
    chosen = choose(trace, selection)
    if by == "type":
        _check_types_are_known(trace)
        if within_allocations is not None:
            raise MemlyzeError(
                "types are known of what lived to a checkpoint, not of what is freed within a few "
                "allocations; sum it by another thing than the type, or leave the number out"
            )
        parameters = {
            **chosen.parameters,
            "stack_ids": chosen.stack_ids,
            "moment_ns": moment_ns,
            "temporary_ns": temporary_ns,
            "unknown": UNKNOWN_TYPE,
            "sort": sort,
            "count": max(count, 1),  # the sums over all of them come with the first
        }
        rows = run_statement(trace, "hotspots_by_type", parameters)
        row_count = rows[0]["total_rows"] if rows else 0
        totals = {name: rows[0]["total_" + name] for name in FIGURES} if rows else None
    else:
        sums = event_sums(
            trace,
            chosen,
            group=by if by in GROUPS else None,
            moment_ns=moment_ns,
            temporary_ns=temporary_ns,
            temporary_allocations=within_allocations,
            told_apart=LIVE | HELD | TEMPORARY | MAPPED,
        )
        row_count, rows, totals = _greatest(trace, sums, by, sort, count)
    sampling = sampling_of(trace)
    return Hotspots(
        by=by,
        sort=sort,
        moment_ns=None if moment_ns >= END_NS else moment_ns,
        temporary_ns=temporary_ns,
        within_allocations=within_allocations,
        row_count=row_count,
        total=None
        if totals is None
        else _hotspot({**_NAMELESS, "group_name": "all", **totals}, sampling),
        rows=tuple(_hotspot(row, sampling) for row in rows[:count]),
    )


def _greatest(
    trace: Trace, sums: Columns, by: str, sort: str, count: int
) -> tuple[int, list[dict[str, typing.Any]], dict[str, typing.Any] | None]:
    """How many places or groups there are, the first of them, and the sums over all; None: there
    are none.
    """
    names, numbers = _named(trace, sums, by)
    if not names:
        return 0, [], None
    figures = figures_of(sums, numbers, len(names))
    key = np.nan_to_num(figures[_SORTED_BY[sort]], nan=-1.0)
    least = np.sort(key)[-min(count, len(key))]
    order = sorted(
        np.flatnonzero(key >= least).tolist(),
        key=lambda number: (
            -key[number],
            -figures["bytes"][number],
            *((name is None, name) for name in map(names[number].get, _ORDER)),
        ),
    )
    places = places_of(trace, "site" if by in GROUPS else by)
    inner = main_inner(sums, places, numbers, figures, _SORTED_BY[sort])
    rows = []
    for number in order[:count]:
        row = {name: values[number].item() for name, values in figures.items()}
        if math.isnan(row["mean_lifetime_ns"]):
            row["mean_lifetime_ns"] = None
        row.update(names[number])
        if number in inner:
            place = inner[number]
            row.update(inner_function=place.function, inner_file=place.file, inner_line=place.line)
        rows.append({**_NAMELESS, **row})
    totals = {name: figures[name].sum().item() for name in FIGURES}
    return len(names), rows, totals


def _named(trace: Trace, sums: Columns, by: str) -> tuple[list[dict[str, typing.Any]], Array]:
    """What the places or groups of the sums are called, and which of them each row counts for."""
    if by in GROUPS:
        ids, of_rows = np.unique(sums["group_id"], return_inverse=True)
        labels = group_labels(trace, by, ids.tolist())
        names = {
            name: number for number, name in enumerate(dict.fromkeys(labels))
        }  # of windows of a name
        of_ids = np.array([names[label] for label in labels], dtype=np.int64)
        return [{"group_name": name} for name in names], of_ids[of_rows.reshape(-1)]
    places = places_of(trace, by)
    used, numbers = np.unique(places.numbers(sums["stack_id"]), return_inverse=True)
    return [places.places[number]._asdict() for number in used.tolist()], numbers.reshape(-1)


def _check_types_are_known(trace: Trace) -> None:
    """Raise MemlyzeError where no object of the trace has a type."""
    if not run_statement(trace, "checkpoint_count")[0]["checkpoints"]:
        raise MemlyzeError(
            "types are not known, as there is no checkpoint in the trace; record without "
            "--no-references, or with --checkpoint-interval-s 10 where it is killed in the end"
        )


def _hotspot(row: typing.Mapping[str, typing.Any], sampling: Sampling) -> Hotspot:
    size = sampling.of_bytes(row["bytes"], row["variance"])
    return Hotspot(
        name=next(str(row[name]) for name in _NAMED_BY if row[name] is not None),
        function=row["function"] or "",
        file=row["file"] or "",
        line=row["line"],
        module=row["module"],
        origin=row["origin"],
        bytes=size,
        allocations=sampling.of_allocations(row["allocations"], row["allocations_variance"]),
        live_bytes=sampling.of_bytes(row["live_bytes"], row["live_variance"]),
        held_bytes=sampling.of_bytes(row["held_bytes"], row["held_variance"]),
        held_mapped_bytes=sampling.of_bytes(row["held_mapped_bytes"], row["held_mapped_variance"]),
        temporary_bytes=sampling.of_bytes(row["temporary_bytes"], row["temporary_variance"]),
        temporary_allocations=row["temporary_allocations"],
        mean_lifetime_ns=row["mean_lifetime_ns"],
        samples=int(row["samples"]),
        has_too_few_samples=size.rests_on_few,
        inner_function=row["inner_function"],
        inner_file=row["inner_file"],
        inner_line=row["inner_line"],
    )
