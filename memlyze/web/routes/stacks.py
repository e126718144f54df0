"""What was allocated by which code: call trees, sites, lines."""

from __future__ import annotations

import typing

import numpy as np

from memlyze.analyses.births import Figures, birth_sites, births, line_figures
from memlyze.analyses.estimates import Estimate
from memlyze.analyses.flame_columns import FlameColumns, Frame, flame_columns
from memlyze.analyses.flame_difference import flame_difference
from memlyze.analyses.flame_folds import folds
from memlyze.analyses.hotspots import Hotspot, Hotspots, hotspots
from memlyze.analyses.live_series import series_of
from memlyze.analyses.places import Place, places_of
from memlyze.analyses.remembered import remembered
from memlyze.analyses.sampling import sampling_of
from memlyze.analyses.selection import END_NS, Selection
from memlyze.analyses.source_code import read_source
from memlyze.analyses.stack_sums import Measure
from memlyze.query.session import Trace
from memlyze.web.failures import NotFoundError
from memlyze.web.requests import Asked
from memlyze.web.routes.curves import end_ns_of

Array = typing.Any  # a one-dimensional numpy array
_OTHER = -2
_SUMMED = ("bytes", "allocations", "samples", "base_bytes")


def flame_graph(asked: Asked) -> object:
    """`/api/flamegraph`."""
    values, selection = asked.values, asked.selection
    mode = values["mode"]
    before = None
    measure = Measure()
    if mode == "born_alive":
        measure = Measure(live_at_ns=asked.at_ns)
    elif mode in ("live", "difference"):
        measure = Measure(live_at_ns=asked.at_ns)
        selection = selection._replace(from_ns=0, to_ns=END_NS)
    if mode == "difference" and asked.base is not None:
        return _trace_difference(asked, asked.base)
    if mode == "difference":
        before = Measure(live_at_ns=values["base_at_ns"] or 0)
    found = flame_columns(
        asked.trace,
        selection=selection,
        measure=measure,
        before=before,
        inverted=values["inverted"],
        merge=values["merge"],
        nodes=values["max_nodes"],
    )
    return {
        "mode": mode,
        "from_ns": selection.from_ns,
        "to_ns": _shown_end(asked.trace, selection.to_ns),
        "at_ns": None if mode == "allocated" else _shown_end(asked.trace, asked.at_ns),
        "merge": values["merge"],
        **_flame_columns(asked.trace, found),
    }


def _trace_difference(asked: Asked, base: Trace) -> object:
    values = asked.values
    found = flame_difference(
        base,
        asked.trace,
        measure=values["measure"],
        selection=Selection(process=values["process_id"]),
        inverted=values["inverted"],
        nodes=values["max_nodes"],
    )
    return {
        "mode": "difference",
        "from_ns": 0,
        "to_ns": _shown_end(asked.trace, END_NS),
        "at_ns": None,
        "merge": "function",
        **_flame_columns(asked.trace, found),
    }


def _flame_columns(trace: Trace, found: FlameColumns) -> dict[str, object]:
    columns = {
        "parent": found.parent,
        "frame": found.frame,
        "bytes": found.bytes,
        "error": found.bytes_error,
        "self_bytes": found.self_bytes,
        "self_error": found.self_bytes_error,
        "allocations": found.allocations,
        "allocations_error": found.allocations_error,
        "samples": found.samples,
    }
    before = found.before
    if before is not None:
        columns["bytes"] = found.bytes - before.bytes
        columns["self_bytes"] = found.self_bytes - before.self_bytes
        # What both have in common does not make it less sure, but that is not known.
        columns["error"] = np.hypot(found.bytes_error, before.bytes_error)
        columns["self_error"] = np.hypot(found.self_bytes_error, before.self_bytes_error)
        columns["base_bytes"] = before.bytes
    shown = len(found.parent)
    size = found.bytes if before is None else found.bytes + before.bytes
    fold = folds(found.frames, found.parent, found.frame, size, is_inverted=found.is_inverted)
    if found.is_cut and not found.is_inverted:
        columns = _with_others(trace, columns)
    columns["fold"] = np.append(fold.start, np.full(len(columns["parent"]) - shown, -1))
    return {
        "is_inverted": found.is_inverted,
        "is_difference": before is not None,
        "total": Estimate(columns["bytes"][0], columns["error"][0]),
        "allocations": found.allocations[0],
        "samples": found.samples[0],
        "has_too_few_samples": found.total.rests_on_few,
        "base_total": found.before_total,
        "frames": _frames(trace, found.frames),
        "nodes": {name: np.ascontiguousarray(column) for name, column in columns.items()},
        "rows": fold.labels,
        "omitted": {
            "nodes": len(columns["parent"]) - shown,
            "bytes": columns["bytes"][shown:].sum(),
        },
    }


def _with_others(trace: Trace, columns: dict[str, Array]) -> dict[str, Array]:
    """The columns with, behind all, a child more for each node whose children were left out: what
    these have together.
    """
    parents, count = columns["parent"][1:], len(columns["parent"])

    def of_children(values: Array) -> Array:
        return np.bincount(parents, weights=values[1:], minlength=count)

    rest = {name: columns[name] - of_children(columns[name]) for name in _SUMMED if name in columns}
    rest["bytes"] = rest["bytes"] - columns["self_bytes"]
    rest["samples"] = rest["samples"].astype(np.int64)
    # What is counted apart varies apart. That of the node itself cannot be told from the rest.
    unseen = sampling_of(trace).unseen_allocations
    for name, least in (("error", 0.0), ("allocations_error", unseen)):
        variances = columns[name] ** 2
        deviations = np.sqrt(np.maximum(variances - of_children(variances), 0.0))
        rest[name] = np.maximum(deviations, least)
    has_children = np.bincount(parents, minlength=count) > 0
    others = np.flatnonzero(has_children & (rest["bytes"] >= 1))
    rest["self_bytes"], rest["self_error"] = rest["bytes"], rest["error"]
    rest["parent"], rest["frame"] = np.arange(count), np.full(count, _OTHER)
    return {name: np.append(column, rest[name][others]) for name, column in columns.items()}


def _frames(trace: Trace, frames: typing.Iterable[Frame]) -> list[object]:
    native = remembered(trace, "native files", lambda: _native_files(trace), of="frames")
    return [
        {
            "function": frame.function,
            "file": frame.file,
            "line": frame.line or 0,
            "module": frame.module or None,
            "language": "native" if frame.file in native else "python",
            "origin": frame.origin,
        }
        for frame in frames
    ]


def _native_files(trace: Trace) -> set[str]:
    frames = trace.table("frames")
    return {
        file
        for file, language in zip(frames["file"].tolist(), frames["language"].tolist())
        if language == "native"
    }


def hotspot_table(asked: Asked) -> object:
    """`/api/hotspots`."""
    by, sort = asked.values["by"], asked.values["sort"]
    moment_ns = asked.values["at_ns"]
    if moment_ns is None:
        moment_ns = _peak_ns(asked.trace, asked.selection)
    found: Hotspots = hotspots(
        asked.trace,
        by=by,
        sort=sort,
        count=asked.values["limit"],
        moment_ns=moment_ns,
        selection=asked.selection,
    )
    return {
        "by": by,
        "sort": sort,
        "rows": [_hotspot(row) for row in found.rows],
        "total": found.total.bytes if found.total else sampling_of(asked.trace).of_bytes(0, 0),
        "groups": found.row_count,
        "peak_ns": moment_ns,
    }


def _peak_ns(trace: Trace, selection: Selection) -> int:
    """When most of a selection was live within its range."""

    found = series_of(trace, selection).greatest_between(selection.from_ns, selection.to_ns)
    return selection.from_ns if found is None else found


def _hotspot(row: Hotspot) -> object:
    is_place = row.origin is not None
    return {
        "label": row.name,
        "place": {
            "function": row.function or None,
            "file": row.file or None,
            "line": row.line,
            "module": row.module,
            "origin": row.origin,
        },
        "inner": {
            "function": row.inner_function,
            "file": row.inner_file,
            "line": row.inner_line,
            "module": None,
            "origin": None,
        }
        if is_place
        else None,
        "allocated": row.bytes,
        "allocations": row.allocations,
        "live": row.live_bytes,
        "peak": row.held_bytes,
        "temporary": row.temporary_bytes,
        "mean_lifetime_ns": row.mean_lifetime_ns,
        "samples": row.samples,
        "has_too_few_samples": row.has_too_few_samples,
    }


def spike(asked: Asked) -> object:
    """`/api/spike`."""
    trace, selection = asked.trace, asked.selection
    found = births(trace, selection=selection, at_ns=asked.at_ns)
    sites = birth_sites(trace, found, places_of(trace, "site"), count=asked.values["limit"])
    return {
        "from_ns": selection.from_ns,
        "to_ns": _shown_end(trace, selection.to_ns),
        "at_ns": _shown_end(trace, asked.at_ns),
        **_born(found.total),
        "born_allocations": found.total.born_allocations,
        "alive_allocations": found.total.alive_allocations,
        "sites": [
            {
                "label": site.place.label,
                "place": site.place,
                "inner": site.inner,
                **_born(site.figures),
                "stack": _stack(trace, site.stack),
            }
            for site in sites
        ],
    }


def source(asked: Asked) -> object:
    """`/api/source`."""
    trace, file = asked.trace, asked.values["file"]
    if file not in set(trace.table("frames")["file"].tolist()):
        raise NotFoundError(f"no frame of this trace is in {file!r}; choose a file of the list")
    found = births(trace, selection=asked.selection, at_ns=asked.at_ns)
    lines = line_figures(trace, found, places_of(trace, "line"), file)
    return {
        "file": file,
        **read_source(trace, file)._asdict(),
        "figures": [
            {
                "line": line.line,
                "functions": line.functions,
                "allocated": line.figures.born,
                "allocated_self": line.own.born,
                "live": line.figures.alive,
                "allocations": line.figures.born_allocations,
                "samples": line.figures.samples,
                "has_too_few_samples": line.figures.has_too_few_samples,
            }
            for line in lines
        ],
        "total": found.total.born,
    }


def source_files(asked: Asked) -> object:
    """`/api/source/files`."""
    found = births(asked.trace, selection=asked.selection, at_ns=asked.at_ns)
    files = birth_sites(
        asked.trace, found, places_of(asked.trace, "file"), count=asked.values["limit"]
    )
    return {
        "files": [
            {
                "file": site.place.file,
                "origin": site.place.origin,
                "allocated": site.figures.born,
                "live": site.figures.alive,
                "samples": site.figures.samples,
            }
            for site in files
        ]
    }


def _born(figures: Figures) -> dict[str, object]:
    return {
        "born": figures.born,
        "alive": figures.alive,
        "samples": figures.samples,
        "has_too_few_samples": figures.has_too_few_samples,
    }


def _stack(trace: Trace, stack: typing.Iterable[Place]) -> list[object]:
    return _frames(
        trace,
        (
            Frame(str(place.function), str(place.file), place.line, place.module, place.origin)
            for place in stack
        ),
    )


def _shown_end(trace: Trace, time_ns: int) -> int:
    """A time within the time line."""
    return min(time_ns, end_ns_of(trace))
