"""Pictures whose one axis is time, and that of lifetimes."""

from __future__ import annotations

import typing

import numpy as np

from memlyze.analyses import curves
from memlyze.analyses.estimates import Z
from memlyze.analyses.lifetime_classes import lifetime_classes
from memlyze.analyses.live_series import series_of
from memlyze.analyses.place_curves import place_curves, place_levels
from memlyze.analyses.places import places_of
from memlyze.analyses.resident_memory import resident_over_time
from memlyze.analyses.sampling import sampling_of
from memlyze.analyses.selection import END_NS
from memlyze.query.session import Trace
from memlyze.web.requests import Asked
from memlyze.web.routes.overview import summary_of
from memlyze.wording.resident import CATEGORY_NAMES

Array = typing.Any  # a numpy array


def timeline(asked: Asked) -> object:
    """`/api/timeline`."""
    edges = edges_of(asked)
    process_id = asked.selection.process
    clock = curves.clock_curves(asked.trace, edges, process_id)
    series = series_of(asked.trace, asked.selection)
    chosen = curves.live_curve(series, edges)
    rss = clock["rss"]
    return {
        **_frame(edges),
        "rss": {"min": rss.least, "max": rss.greatest},
        "heap_live": {
            "min": chosen.least_live_bytes,
            "max": chosen.greatest_live_bytes,
            "error": _errors(
                asked.trace, chosen.greatest_live_bytes, chosen.greatest_live_variance
            ),
        },
        "tracer_bytes": clock["tracer_bytes"].greatest,
        "allocated_bytes": chosen.allocated_bytes,
        "allocated_error": _errors(asked.trace, chosen.allocated_bytes, chosen.allocated_variance),
        "freed_bytes": chosen.freed_bytes,
        "freed_error": _errors(asked.trace, chosen.freed_bytes, chosen.freed_variance),
        "live_bytes": chosen.live_bytes,
        "live_error": _errors(asked.trace, chosen.live_bytes, chosen.live_variance),
        "allocations": chosen.allocations,
        "peaks": [
            *curves.rss_peak(asked.trace, rss, edges, process_id),
            *curves.live_peak(series, edges),
        ],
    }


def resident(asked: Asked) -> object:
    """`/api/timeline/resident`."""
    found = resident_over_time(
        asked.trace,
        from_ns=asked.selection.from_ns,
        to_ns=asked.to_ns,
        process_id=asked.selection.process,
    )
    return {
        "time_ns": found.times_ns,
        "categories": [
            {
                "category": category.name,
                "label": CATEGORY_NAMES.get(category.name, category.name),
                "resident_bytes": category.resident_bytes,
                "reserved_bytes": category.reserved_bytes,
            }
            for category in found.categories
        ],
    }


def stacked(asked: Asked) -> object:
    """`/api/timeline/stacked`."""
    edges = edges_of(asked)
    found = place_levels(
        asked.trace,
        places_of(asked.trace, asked.values["by"]),
        edges,
        count=asked.values["top"],
        selection=asked.selection,
    )
    errors = _errors(asked.trace, found.live_bytes, found.live_variance)
    return {
        **_frame(edges),
        "layers": [
            {
                "label": place.label,
                "place": place,
                "live_bytes": found.live_bytes[row],
                "error": errors[row],
            }
            for row, place in enumerate(found.places)
        ],
        "other": {"live_bytes": found.live_bytes[-1], "error": errors[-1]},
    }


def site_heatmap(asked: Asked) -> object:
    """`/api/heatmap/sites`."""
    edges = edges_of(asked)
    measure = asked.values["measure"]
    found = place_curves(
        asked.trace,
        places_of(asked.trace, asked.values["by"]),
        edges,
        count=asked.values["top"],
        measure=measure,
        selection=asked.selection,
    )
    values = found.bytes
    sums = values.max(axis=1) if measure == "live" else values.sum(axis=1)
    return {
        **_frame(edges),
        "measure": measure,
        "rows": [
            {"label": place.label, "place": place, "bytes": sums[row]}
            for row, place in enumerate(found.places)
        ],
        "values": values[:-1].reshape(-1),
        "samples": found.samples[:-1].reshape(-1).astype(np.int64),
        "other_bytes": sums[-1],
    }


def lifetime_heatmap(asked: Asked) -> object:
    """`/api/heatmap/lifetimes`."""
    found = lifetime_classes(asked.trace, selection=asked.selection)
    return {
        "sizes": found.sizes,
        "lifetimes": found.lifetimes,
        "bytes": found.bytes.reshape(-1),
        "allocations": found.allocations.reshape(-1),
        "samples": found.samples.reshape(-1),
    }


def end_ns_of(trace: Trace) -> int:
    """The end of the time line: no event is at or after it."""
    return 1 + summary_of(trace).duration_ns


def edges_of(asked: Asked) -> Array:
    """The borders of the buckets that were asked for."""
    from_ns = asked.selection.from_ns
    to_ns = end_ns_of(asked.trace) if asked.to_ns == END_NS else asked.to_ns
    return curves.bucket_edges(from_ns, max(to_ns, from_ns + 1), asked.values["buckets"])


def _frame(edges: Array) -> dict[str, object]:
    return {
        "from_ns": int(edges[0]),
        "to_ns": int(edges[-1]),
        "bucket_ns": int(edges[1] - edges[0]),
        "start_ns": edges[:-1],
    }


def _errors(trace: Trace, values: Array, variances: Array) -> Array:
    """The half widths of the intervals around so many bytes."""
    is_nothing = np.abs(values) < 0.5
    return np.where(is_nothing, sampling_of(trace).unseen_bytes, Z * np.sqrt(variances))
