"""The private tables beneath the views: which columns the reader gives, and what they are to
DuckDB.

The views and macros are written over tables named `_raw_…`. They exist from the start, empty, so
that views can be created and queries be analysed; the first query that touches one shadows it with
the reader's columns.
"""

from __future__ import annotations

import typing

PREFIX = "_raw_"

#: One for each of what a site may be: whoever asks for one does not wait for the others.
LEAKS: typing.Final = {site: f"leaks_by_{site}" for site in ("line", "function", "stack")}

_OF_LEAKS: typing.Final = {
    "place": "BIGINT",
    "function": "VARCHAR",
    "file": "VARCHAR",
    "line": "BIGINT",
    "origin": "VARCHAR",
    "stack_id": "BIGINT",
    "stack_ids": "VARCHAR",
    "process_id": "BIGINT",
    "process_ids": "VARCHAR",
    "verdict": "VARCHAR",
    "grew_until_freed": "BOOLEAN",
    "confidence": "DOUBLE",
    "p_value": "DOUBLE",
    "live_bytes": "DOUBLE",
    "live_bytes_error": "DOUBLE",
    "peak_bytes": "DOUBLE",
    "peak_bytes_error": "DOUBLE",
    "growth_bytes_per_second": "DOUBLE",
    "growth_error": "DOUBLE",
    "growth_bytes_per_window": "DOUBLE",
    "growth_per_window_error": "DOUBLE",
    "window_name": "VARCHAR",
    "first_ns": "BIGINT",
    "growing_since_ns": "BIGINT",
    "judged_until_ns": "BIGINT",
    "last_growth_ns": "BIGINT",
    "survival": "DOUBLE",
    "cohorts": "VARCHAR",
    "curve": "VARCHAR",
    "collected_share": "DOUBLE",
    "samples": "BIGINT",
    "live_samples": "BIGINT",
}

#: DuckDB type of every column, by table.
RAW_TABLES: dict[str, dict[str, str]] = {
    "allocations": {
        "allocation_id": "BIGINT",
        "time_ns": "BIGINT",
        "freed_ns": "BIGINT",
        "size": "BIGINT",
        "weight": "DOUBLE",
        "allocator": "UTINYINT",
        "stack_id": "BIGINT",
        "thread_id": "BIGINT",
        "window_id": "BIGINT",
        "process_id": "BIGINT",
    },
    "frees": {
        "allocation_id": "BIGINT",
        "made_between": "DOUBLE",
        "process_id": "BIGINT",
    },
    "frames": {
        "frame_id": "BIGINT",
        "function": "VARCHAR",
        "file": "VARCHAR",
        "line": "BIGINT",
        "module": "VARCHAR",
        "language": "VARCHAR",
        "origin": "VARCHAR",
        "process_id": "BIGINT",
    },
    "stacks": {
        "stack_id": "BIGINT",
        "parent_id": "BIGINT",
        "frame_id": "BIGINT",
        "depth": "BIGINT",
        "process_id": "BIGINT",
    },
    "stack_frames": {
        "stack_id": "BIGINT",
        "depth": "BIGINT",
        "frame_id": "BIGINT",
        "process_id": "BIGINT",
    },
    "stack_sites": {
        "stack_id": "BIGINT",
        "innermost_frame_id": "BIGINT",
        "program_frame_id": "BIGINT",
    },
    "sampling": {
        "is_exact": "BOOLEAN",
        "interval_bytes": "DOUBLE",
        "unseen_bytes": "DOUBLE",
        "unseen_allocations": "DOUBLE",
        "closest_interval_bytes": "DOUBLE",
        "rate": "DOUBLE",
    },
    "process_ends": {
        "process_id": "BIGINT",
        "end_ns": "BIGINT",
        "is_over": "BOOLEAN",
    },
    **{table: dict(_OF_LEAKS) for table in LEAKS.values()},
    "window_sums": {
        "window_id": "BIGINT",
        "bytes": "DOUBLE",
        "variance": "DOUBLE",
        "allocations": "DOUBLE",
        "allocations_variance": "DOUBLE",
        "samples": "BIGINT",
        "own_bytes": "DOUBLE",
        "own_variance": "DOUBLE",
        "retained": "DOUBLE",
        "retained_variance": "DOUBLE",
        "retained_1s": "DOUBLE",
        "retained_1s_variance": "DOUBLE",
        "retained_10s": "DOUBLE",
        "retained_10s_variance": "DOUBLE",
        "retained_60s": "DOUBLE",
        "retained_60s_variance": "DOUBLE",
        "live": "DOUBLE",
        "live_variance": "DOUBLE",
        "peak": "DOUBLE",
        "peak_variance": "DOUBLE",
    },
    "threads": {
        "thread_id": "BIGINT",
        "os_thread_id": "BIGINT",
        "name": "VARCHAR",
        "start_ns": "BIGINT",
        "end_ns": "BIGINT",
        "process_id": "BIGINT",
    },
    "processes": {
        "process_id": "BIGINT",
        "parent_process_id": "BIGINT",
        "command_line": "VARCHAR",
        "python_version": "VARCHAR",
        "start_time_unix_ns": "BIGINT",
        "start_ns": "BIGINT",
        "kept_from_ns": "BIGINT",
        "end_ns": "BIGINT",
        "started_by": "VARCHAR",
        "ended_by": "VARCHAR",
        "path": "VARCHAR",
    },
    "memory": {
        "time_ns": "BIGINT",
        "rss": "BIGINT",
        "heap_live": "BIGINT",
        "heap_live_count": "BIGINT",
        "tracer_bytes": "BIGINT",
        "cpu_us": "BIGINT",
        "waits": "BIGINT",
        "program_rss": "BIGINT",
        "process_id": "BIGINT",
    },
    "resident": {
        "time_ns": "BIGINT",
        "category": "VARCHAR",
        "path": "VARCHAR",
        "mapping_count": "BIGINT",
        "reserved_bytes": "BIGINT",
        "resident_bytes": "BIGINT",
        "process_id": "BIGINT",
    },
    "gc": {
        "time_ns": "BIGINT",
        "duration_ns": "BIGINT",
        "generation": "UTINYINT",
        "collected": "BIGINT",
        "uncollectable": "BIGINT",
        "thread_id": "BIGINT",
        "window_id": "BIGINT",
        "process_id": "BIGINT",
    },
    "windows": {
        "window_id": "BIGINT",
        "parent_id": "BIGINT",
        "kind": "VARCHAR",
        "name": "VARCHAR",
        "start_ns": "BIGINT",
        "end_ns": "BIGINT",
        "thread_id": "BIGINT",
        "attributes": "VARCHAR",
        "method": "VARCHAR",
        "status": "BIGINT",
        "first_byte_after_ns": "BIGINT",
        "process_id": "BIGINT",
    },
    "checkpoints": {
        "checkpoint_id": "BIGINT",
        "time_ns": "BIGINT",
        "reason": "VARCHAR",
        "pause_ns": "BIGINT",
        "first_object_id": "BIGINT",
        "object_count": "BIGINT",
        "reference_count": "BIGINT",
        "memory_bytes": "BIGINT",
        "process_id": "BIGINT",
    },
    "object_types": {
        "type_id": "BIGINT",
        "name": "VARCHAR",
        "module": "VARCHAR",
        "object_id": "BIGINT",
        "is_referred": "UTINYINT",
        "process_id": "BIGINT",
    },
    "objects": {
        "object_id": "BIGINT",
        "type_id": "BIGINT",
        "size": "BIGINT",
        "length": "BIGINT",
        "address": "BIGINT",
        "unseen_references": "BIGINT",
        "allocation_id": "BIGINT",
        "buffer_allocation_id": "BIGINT",
        "checkpoint_id": "BIGINT",
        "process_id": "BIGINT",
    },
    "object_references": {
        "from_id": "BIGINT",
        "to_id": "BIGINT",
        "how": "UTINYINT",
        "number": "BIGINT",
        "key_id": "BIGINT",
    },
    "object_names": {
        "name_id": "BIGINT",
        "name": "VARCHAR",
        "process_id": "BIGINT",
    },
    "object_texts": {
        "object_id": "BIGINT",
        "text": "VARCHAR",
        "process_id": "BIGINT",
    },
    "object_roots": {
        "root": "BIGINT",
        "object_id": "BIGINT",
        "kind": "UTINYINT",
        "name": "VARCHAR",
        "function": "VARCHAR",
        "file": "VARCHAR",
        "line": "BIGINT",
        "os_thread_id": "BIGINT",
        "process_id": "BIGINT",
    },
    "object_tree": {
        "object_id": "BIGINT",
        "holder_id": "BIGINT",
        "how": "UTINYINT",
        "number": "BIGINT",
        "key_id": "BIGINT",
        "root": "BIGINT",
        "distance": "BIGINT",
        "dominator_id": "BIGINT",
        "retained": "BIGINT",
    },
    "sources": {
        "file": "VARCHAR",
        "modified_unix_ns": "BIGINT",
        "size": "BIGINT",
        "crc32": "BIGINT",
        "text": "VARCHAR",
        "left_out": "VARCHAR",
        "has_text": "UTINYINT",
        "process_id": "BIGINT",
    },
    "samplings": {
        "sampling_id": "BIGINT",
        "interval_bytes": "DOUBLE",
        "rate": "DOUBLE",
        "surcharge_bytes": "DOUBLE",
        "process_id": "BIGINT",
    },
    "metadata": {
        "key": "VARCHAR",
        "value": "VARCHAR",
        "process_id": "BIGINT",
    },
}

#: The tables that are made of recorded ones, but for columns that are added to these.
MADE: typing.Final = (
    "stack_sites",
    "sampling",
    "process_ends",
    *LEAKS.values(),
    "window_sums",
    "object_tree",
)

#: numpy's name of each type: `object` columns hold `str` or None.
NUMPY_DTYPES: typing.Final = {
    "BIGINT": "int64",
    "DOUBLE": "float64",
    "UTINYINT": "uint8",
    "VARCHAR": "object",
}


def create_statements() -> dict[str, str]:
    """The SQL that creates each private table, empty, by the table's name in SQL."""
    return {
        PREFIX + table: f"CREATE OR REPLACE TABLE {PREFIX}{table} ("
        + ", ".join(f"{column} {duckdb_type}" for column, duckdb_type in columns.items())
        + ")"
        for table, columns in RAW_TABLES.items()
    }
