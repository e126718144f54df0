"""What a trace covers, and what can be asked of it."""

from __future__ import annotations

import typing

from memlyze.analyses import lanes as lane_analyses
from memlyze.analyses.losses import count_losses
from memlyze.analyses.remembered import remembered
from memlyze.analyses.summary import Summary, summarize
from memlyze.query.definitions import Definition, examples, macros, views
from memlyze.query.session import Trace
from memlyze.web.console_limits import LIMITS
from memlyze.web.requests import Asked
from memlyze.wording.trace_state import state_lines


def summary_of(trace: Trace) -> Summary:
    """The summary of an opened trace, worked out once."""
    return remembered(trace, "summary", lambda: summarize(trace, sites=1, explains_peak=False))


def info(asked: Asked) -> object:
    """`/api/info`."""
    trace = asked.trace
    summary = summary_of(trace)
    metadata = trace.metadata
    sampling = summary.sampling
    return {
        "trace": asked.entry,
        "duration_ns": summary.duration_ns,
        "notes": state_lines(trace),
        "damage": trace.damage,
        "is_exact": summary.is_exact,
        "samples": summary.samples,
        "allocations": summary.allocations,
        "bytes": summary.bytes,
        "live_bytes": summary.live_bytes,
        "peak_rss": summary.peak_rss,
        "peak_live_ns": summary.peak_live_ns,
        "peak_live_bytes": summary.peak_live_bytes,
        "sampling": {
            "sample_rate": _number(metadata.get("sample_rate")),
            "sample_interval_bytes": sampling.interval_bytes or None,
            "closest_interval_bytes": sampling.closest_interval_bytes or None,
            "unseen_bytes": sampling.unseen_bytes,
        },
        "losses": count_losses(trace),
        "cost": summary.cost,
        "collections": summary.collections,
        "invisible_allocators": summary.invisible_allocators,
        "processes": summary.processes,
        "threads": lane_analyses.threads(trace),
        "metadata": metadata,
        "has": {
            "windows": _has(trace, "windows"),
            "collections": summary.collections.runs > 0,
            "resident": _has(trace, "resident"),
            "checkpoints": _has(trace, "checkpoints"),
            "source": False,
        },
        "memory_interval_ns": _memory_interval_ns(metadata),
    }


def lanes(asked: Asked) -> object:
    """`/api/lanes`."""
    chosen: dict[str, typing.Any] = {
        "from_ns": asked.selection.from_ns,
        "to_ns": asked.to_ns,
        "process_id": asked.values["process_id"],
    }
    marks = asked.values["marks"]
    windows = lane_analyses.windows(asked.trace, **chosen, marks=marks)
    return {
        "gc": lane_analyses.collector_runs(asked.trace, **chosen, marks=marks),
        "windows": {"total": windows.total, **windows.columns},
        "threads": lane_analyses.threads(asked.trace),
        "processes": summary_of(asked.trace).processes,
        "checkpoints": lane_analyses.checkpoints(asked.trace, **chosen),
    }


def schema(asked: Asked) -> object:
    """`/api/schema`."""
    types = remembered(asked.trace, "types", lambda: _column_types(asked.trace), of="metadata")
    return {
        "views": [_definition(definition, types) for definition in views()],
        "macros": [_definition(definition, types) for definition in macros()],
        "functions": _names(asked.trace, "SELECT DISTINCT function_name FROM duckdb_functions()"),
        "keywords": _names(asked.trace, "SELECT keyword_name FROM duckdb_keywords()"),
        "examples": examples(),
        "limits": LIMITS,
    }


def _names(trace: Trace, query: str) -> list[str]:
    """What stands in the first column, as far as it is a word that can be typed."""
    found = (str(name) for (name,) in trace.connection.execute(query).fetchall())
    return sorted(name for name in found if name.isidentifier() and not name.startswith("_"))


def _definition(definition: Definition, types: dict[tuple[str, str], str]) -> object:
    return {
        "name": definition.name,
        "signature": definition.signature,
        "comment": definition.comment,
        "parameters": definition.parameters,
        "columns": [
            {**column._asdict(), "type": types.get((definition.name, column.name), "")}
            for column in definition.columns
        ],
    }


def _column_types(trace: Trace) -> dict[tuple[str, str], str]:
    rows = trace.connection.execute(
        "SELECT table_name, column_name, data_type FROM duckdb_columns()"
    ).fetchall()
    return {(table, column): kind for table, column, kind in rows}


def _has(trace: Trace, table: str) -> bool:
    return len(next(iter(trace.tables[table].values()))) > 0


def _number(value: object) -> float | None:
    return value if isinstance(value, (int, float)) else None


def _memory_interval_ns(metadata: typing.Mapping[str, typing.Any]) -> int | None:
    interval_ms = _number(metadata.get("memory_interval_ms"))
    return None if interval_ms is None else round(interval_ms * 1e6)
