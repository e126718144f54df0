"""Windows: by name, all of them, and one with what happened in it."""

from __future__ import annotations

import json
import typing

import numpy as np

from memlyze.analyses.births import birth_sites, births
from memlyze.analyses.curves import bucket_edges, live_curve
from memlyze.analyses.estimates import Estimate
from memlyze.analyses.live_series import live_series
from memlyze.analyses.places import places_of
from memlyze.analyses.remembered import remembered
from memlyze.analyses.sampling import sampling_of
from memlyze.analyses.selection import END_NS, Selection
from memlyze.analyses.statements import run_statement
from memlyze.analyses.window_scatter import (
    Columns,
    chosen_windows,
    window_columns,
    window_names,
)
from memlyze.analyses.windows import growth_by_label, unattributed
from memlyze.query.session import Trace
from memlyze.web.failures import NotFoundError
from memlyze.web.requests import Asked
from memlyze.web.routes.curves import end_ns_of

_CHILDREN = 1000
_SITES = 50


def names(asked: Asked) -> object:
    """`/api/windows/names`."""
    outside = unattributed(asked.trace, asked.selection)
    growths = remembered(asked.trace, "window growth", lambda: growth_by_label(asked.trace))
    found, total = window_names(
        _chosen(asked), sampling_of(asked.trace), growths, count=asked.values["limit"]
    )
    return {
        "names": found,
        "total": total,
        "outside": {
            "allocated": outside.allocated,
            "live": outside.live,
            "share": outside.share,
        },
    }


def listed(asked: Asked) -> object:
    """`/api/windows`."""
    chosen = _chosen(asked, name=asked.values["name"], kind=asked.values["kind"])
    total = len(chosen["window_id"])
    if total > asked.values["marks"]:
        kept = np.sort(
            np.argsort(-chosen["allocated_bytes"], kind="stable")[: asked.values["marks"]]
        )
        chosen = {name: values[kept] for name, values in chosen.items()}
    return {
        "total": total,
        "window_id": chosen["window_id"],
        "parent_id": _or_none(chosen["parent_id"], 0),
        "kind": chosen["kind"],
        "name": chosen["name"],
        "start_ns": chosen["start_ns"],
        "duration_ns": _or_none(chosen["duration_ns"], -1),
        "allocated_bytes": chosen["allocated_bytes"],
        "allocated_error": chosen["allocated_bytes_error"],
        "retained_bytes": chosen["retained_bytes"],
        "retained_error": chosen["retained_bytes_error"],
        "samples": chosen["samples"],
        "thread_id": _or_none(chosen["thread_id"], 0),
        "process_id": chosen["process_id"],
    }


def one(asked: Asked) -> object:
    """`/api/windows/{window_id}`."""
    trace, window_id = asked.trace, asked.values["window_id"]
    rows = run_statement(trace, "single_window", {"window_id": window_id})
    if not rows:
        raise NotFoundError(f"there is no window {window_id} in this trace; choose one of the list")
    row = rows[0]
    selection = Selection(window=window_id)
    end_ns = end_ns_of(trace) if row["end_ns"] is None else row["end_ns"]
    edges = bucket_edges(row["start_ns"], max(end_ns, row["start_ns"] + 1), asked.values["buckets"])
    curve = live_curve(live_series(trace, selection), edges)
    at_ns = END_NS if row["end_ns"] is None else row["end_ns"]
    found = births(trace, selection=selection, at_ns=at_ns)
    return {
        **{name: row[name] for name in ("window_id", "parent_id", "kind", "start_ns", "end_ns")},
        "name": row["label"],
        "thread_id": row["thread_id"] or None,
        "process_id": row["process_id"],
        "attributes": _attributes(row["attributes"]),
        "allocated": Estimate(row["allocated_bytes"], row["allocated_bytes_error"]),
        "own_allocated": Estimate(row["own_allocated_bytes"], row["own_allocated_bytes_error"]),
        "retained": Estimate(row["retained_bytes"], row["retained_bytes_error"]),
        "live": Estimate(row["live_bytes"], row["live_bytes_error"]),
        "allocations": row["allocations"],
        "samples": row["samples"],
        "children": _children(trace, window_id),
        "timeline": {
            "start_ns": edges[:-1],
            "bucket_ns": int(edges[1] - edges[0]),
            "allocated_bytes": curve.allocated_bytes,
            "live_bytes": curve.live_bytes,
            "greatest_live_bytes": curve.greatest_live_bytes,
        },
        "sites": [
            {
                "label": site.place.label,
                "place": site.place,
                "allocated": site.figures.born,
                "retained": site.figures.alive,
                "samples": site.figures.samples,
            }
            for site in birth_sites(trace, found, places_of(trace, "site"), count=_SITES)
        ],
    }


def _chosen(asked: Asked, **more: typing.Any) -> Columns:
    return chosen_windows(
        _columns(asked.trace),
        from_ns=asked.selection.from_ns,
        to_ns=asked.to_ns,
        process_id=asked.values["process_id"],
        thread_id=asked.values["thread_id"],
        **more,
    )


def _columns(trace: Trace) -> Columns:
    return remembered(trace, "windows", lambda: window_columns(trace))


def _children(trace: Trace, window_id: int) -> list[object]:
    columns = _columns(trace)
    rows = np.flatnonzero(columns["parent_id"] == window_id)
    rows = rows[np.argsort(columns["start_ns"][rows], kind="stable")][:_CHILDREN]
    found: list[object] = []
    for row in rows.tolist():
        start_ns, duration_ns = int(columns["start_ns"][row]), int(columns["duration_ns"][row])
        found.append(
            {
                "window_id": int(columns["window_id"][row]),
                "name": columns["name"][row],
                "kind": columns["kind"][row],
                "start_ns": start_ns,
                "end_ns": None if duration_ns < 0 else start_ns + duration_ns,
                "allocated": Estimate(
                    float(columns["allocated_bytes"][row]),
                    float(columns["allocated_bytes_error"][row]),
                ),
            }
        )
    return found


def _attributes(text: str | None) -> object:
    """What the program gave the window; as it is, where it is no object."""
    try:
        found = json.loads(text) if text else None
    except ValueError:
        return {"attributes": text}
    return found if found is None or isinstance(found, dict) else {"attributes": found}


def _or_none(values: typing.Any, nothing: int) -> list[int | None]:
    return [None if value == nothing else value for value in values.tolist()]
