"""What was allocated by which code: call trees, sites, lines."""

from __future__ import annotations

import typing

from memlyze.analyses.births import Figures, birth_sites, births, line_figures
from memlyze.analyses.estimates import Estimate
from memlyze.analyses.flame_difference import flame_difference
from memlyze.analyses.flamegraph import FlameGraph, Frame, Measure, flamegraph
from memlyze.analyses.hotspots import Hotspot, Hotspots, hotspots
from memlyze.analyses.places import Place
from memlyze.analyses.remembered import remembered
from memlyze.analyses.sampling import sampling_of
from memlyze.analyses.selection import END_NS, Selection
from memlyze.analyses.source_code import read_source
from memlyze.query.session import Trace
from memlyze.web.failures import NotFoundError
from memlyze.web.requests import Asked
from memlyze.web.routes.curves import end_ns_of, places_of, series_of

_ROOT, _OTHER = -1, -2
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
    found = flamegraph(
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


def _flame_columns(trace: Trace, found: FlameGraph) -> dict[str, object]:
    root = found.nodes[0]
    is_difference = root.before_bytes is not None
    base = [node.before_bytes.value if node.before_bytes else 0.0 for node in found.nodes]
    columns: dict[str, list[typing.Any]] = {
        "parent": [node.parent for node in found.nodes],
        "frame": [node.frame for node in found.nodes],
        "bytes": [node.bytes.value - before for node, before in zip(found.nodes, base)],
        "error": [_error(node.bytes, node.before_bytes) for node in found.nodes],
        "self_bytes": [node.self_bytes - node.before_self_bytes for node in found.nodes],
        "allocations": [node.allocations.value for node in found.nodes],
        "allocations_error": [node.allocations.error for node in found.nodes],
        "samples": [node.samples for node in found.nodes],
    }
    if is_difference:
        columns["base_bytes"] = base
    omitted = _add_others(trace, columns) if found.is_cut and not found.is_inverted else (0, 0.0)
    return {
        "is_inverted": found.is_inverted,
        "is_difference": is_difference,
        "total": Estimate(columns["bytes"][0], columns["error"][0]),
        "allocations": root.allocations.value,
        "samples": root.samples,
        "has_too_few_samples": root.bytes.rests_on_few,
        "base_total": root.before_bytes,
        "frames": _frames(trace, found.frames),
        "nodes": columns,
        "omitted": {"nodes": omitted[0], "bytes": omitted[1]},
    }


def _error(now: Estimate, before: Estimate | None) -> float:
    """Of a difference: what both have in common does not make it less sure, but that is not
    known.
    """
    return now.error if before is None else float((now.error**2 + before.error**2) ** 0.5)


def _add_others(trace: Trace, columns: dict[str, list[typing.Any]]) -> tuple[int, float]:
    """Give each node whose children were left out a child for them; how many, and their bytes."""
    summed = [name for name in _SUMMED if name in columns]
    count = len(columns["parent"])
    rest = {name: list(columns[name]) for name in summed}
    # What is counted apart varies apart. That of the node itself cannot be told from the rest.
    unseen = sampling_of(trace).unseen_allocations
    least: dict[str, float] = {"error": 0.0, "allocations_error": unseen}
    variances = {name: [error**2 for error in columns[name]] for name in least}
    rest["bytes"] = [size - own for size, own in zip(columns["bytes"], columns["self_bytes"])]
    for row in range(1, count):
        for name in summed:
            rest[name][columns["parent"][row]] -= columns[name][row]
        for name in least:
            variances[name][columns["parent"][row]] -= columns[name][row] ** 2
    has_children = set(columns["parent"])
    others = [row for row in range(count) if row in has_children and rest["bytes"][row] >= 1]
    for row in others:
        columns["parent"].append(row)
        columns["frame"].append(_OTHER)
        columns["self_bytes"].append(rest["bytes"][row])
        for name in summed:
            columns[name].append(rest[name][row])
        for name, error in least.items():
            columns[name].append(max(max(variances[name][row], 0.0) ** 0.5, error))
    return len(others), sum(rest["bytes"][row] for row in others)


def _frames(trace: Trace, frames: typing.Iterable[Frame]) -> list[object]:
    native = remembered(trace, "native files", lambda: _native_files(trace))
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
