"""Writes the golden traces of the current format version, and what is to be read from them.

    PYTHONPATH=tests/helpers python tests/trace/golden/write_golden.py

Never needed for a version that has been released: its traces must stay readable as they are.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from trace_encoder import EXACT_SAMPLING, Allocation, Free, Run, TraceEncoder

from memlyze.trace import format as fmt
from memlyze.trace.reference_decoder import decode

FOLDER = Path(__file__).parent / f"v{fmt.FORMAT_VERSION}"
METADATA: dict[str, Any] = {
    "memlyze_version": "0.1.0",
    "format_version": 1,
    "python_version": "3.11.7",
    "command_line": ["python", "app/main.py", "--name", "a b"],
    "working_directory": "/srv",
    "python_path": ["/srv/app", "/usr/lib/python3.11"],
    "process_id": 4242,
    "parent_process_id": 4200,
    "start_time_unix_ns": 1_790_000_000_000_000_000,
    "sample_rate": 1.0,
}


def exact(codec: int) -> TraceEncoder:
    """Everything recorded: two threads, windows, frees in every order, all small tables."""
    trace = TraceEncoder(METADATA, codec=codec)
    trace.add(
        "codes",
        [
            {"code_id": 1, "function": "<truncated>"},
            {
                "code_id": 2,
                "function": "main",
                "file": "/srv/app/main.py",
                "first_line": 10,
                "line_table_kind": 1,
                "line_table": bytes([0, 1, 8, 1, 6, 255]),
            },
            {
                "code_id": 3,
                "function": "Cache.put",
                "file": "/srv/app/store/__init__.py",
                "first_line": 20,
                "line_table_kind": 2,
                "line_table": bytes([2, 1, 4, 128, 6, 254]),
            },
            {
                "code_id": 4,
                "function": "loads",
                "file": "/usr/lib/python3.11/json/decoder.py",
                "first_line": 330,
                "line_table_kind": 3,
                "line_table": bytes([0x80, 0, 0xD9, 1, 0, 0xE8, 0x41, 0xF8]),
            },
            {"code_id": 5, "function": "memcpy", "file": "/lib/libc.so.6", "language": 1},
            {"code_id": 6, "function": "f", "file": b"\xed\xb2\x80dir/x.py", "first_line": 3},
        ],
    )
    trace.add(
        "stacks",
        [
            {"stack_id": 1, "code_id": 2, "instruction": 2},
            {"stack_id": 2, "parent_id": 1, "code_id": 3, "instruction": 0},
            {"stack_id": 3, "parent_id": 2, "code_id": 4, "instruction": 4},
            {"stack_id": 4, "parent_id": 1, "code_id": 5},
            {"stack_id": 5, "code_id": 1},
            {"stack_id": 6, "parent_id": 5, "code_id": 6, "instruction": -1},
        ],
    )
    trace.add(
        "threads",
        [
            {"thread_id": 1, "os_thread_id": 4242, "name": "MainThread", "end_ns": -1},
            {"thread_id": 2, "os_thread_id": 4243, "start_ns": 900, "end_ns": -1},
        ],
    )
    trace.add("windows", [{"window_id": 1, "kind": "call", "name": "main", "thread_id": 1}])
    first, second = 1 << 16, 2 << 16
    trace.add_runs(
        [
            Run(1, 1000, first, [Allocation(24, 1), Allocation(100, 2), Free(first)]),
            # Freed by another thread, before its block: it is kept until the end.
            Run(2, 900, second, [Free(first + 1), Free(first + 3)]),
            Run(1, 2000, first + 2, [Allocation(0, 3, allocator=0)], window_id=1),
        ]
    )
    # The recorder has emptied its tables: the same function and stack under new ids.
    trace.add(
        "codes",
        [
            {
                "code_id": 7,
                "function": "main",
                "file": "/srv/app/main.py",
                "first_line": 10,
                "line_table_kind": 1,
                "line_table": bytes([0, 1, 8, 1, 6, 255]),
            }
        ],
    )
    trace.add("stacks", [{"stack_id": 7, "code_id": 7, "instruction": 4}])
    trace.add_runs(
        [
            Run(1, 3000, first + 3, [Allocation(3 << 31, 7, allocator=1)], window_id=1),
            Run(2, 3100, second, [Allocation(48, 6), Allocation(16, 0)]),
        ]
    )
    rows = [{"window_id": 2, "parent_id": 1, "kind": "window", "name": "räum auf", "start_ns": 5}]
    rows.append({"window_id": 1, "kind": "call", "name": "main", "end_ns": 4000, "thread_id": 1})
    rows[0]["attributes"] = '{"n": 1}'
    trace.add("windows", rows)
    trace.add("threads", [{"thread_id": 2, "os_thread_id": 4243, "name": "w", "end_ns": 3500}])
    ticks = [{"time_ns": 0, "rss": 9000, "cpu_us": 300, "waits": 2}]
    ticks.append({"time_ns": 10_000_000, "rss": 8000, "heap_live": -1, "cpu_us": 9300, "waits": 4})
    trace.add("memory", ticks)
    # As recorders wrote it that did not know of the last two columns.
    names = ("time_ns", "rss", "heap_live", "heap_live_count", "tracer_bytes")
    earlier = {name: [20_000_000] if name == "time_ns" else [7] for name in names}
    trace.add_columns("memory", earlier, row_count=1)
    trace.add("gc", [{"time_ns": 1500, "duration_ns": 20, "generation": 2, "collected": 7}])
    values = {"end_ns": "5000", "stop_reason": '"exit"'}
    trace.add("metadata", [{"key": key, "value": value} for key, value in values.items()])
    return trace


def sampled() -> TraceEncoder:
    """Two samplings and one that is not in the file; killed, so without an index."""
    trace = TraceEncoder(
        dict(METADATA, sample_rate=0.01),
        samplings=[
            EXACT_SAMPLING,
            {
                "sampling_id": 3,
                "interval_bytes": 4096.0,
                "rate": 0.01,
                "surcharge_bytes": 41.0,
            },
        ],
    )
    for sampling_id in (1, 2, 3, 4):
        first = sampling_id << 16
        sizes = [Allocation(size) for size in (0, 24, 4096, 1 << 20, 5 << 30)]
        trace.add_runs([Run(1, 1000 * sampling_id, first, sizes, sampling_id=sampling_id)])
    return trace


def resident() -> TraceEncoder:
    """Two snapshots of the resident memory, with a category that this version does not know."""
    trace = TraceEncoder(METADATA)
    for time_ns, objects in ((5, 4096), (7000, 1 << 34)):
        rows: list[dict[str, Any]] = [
            {"category": 0, "mapping_count": 3, "reserved_bytes": 1 << 46, "resident_bytes": 8192},
            {"category": 1, "mapping_count": 2, "reserved_bytes": objects},
            {"category": 6, "path": "/lib/libc.so.6", "mapping_count": 4, "resident_bytes": 12288},
            {"category": 8, "path": b"/data/\xed\xb2\x80 (deleted)", "resident_bytes": 1},
            {"category": 200, "resident_bytes": 5},
        ]
        trace.add("resident", [dict(row, time_ns=time_ns) for row in rows])
    return trace


def checkpoint() -> TraceEncoder:
    """Two checkpoints, the second cut off before its row; kinds that this version does not know."""
    trace = TraceEncoder(METADATA)
    types: list[dict[str, Any]] = [
        {"type_id": 1, "name": "dict", "module": "builtins"},
        {"type_id": 2, "name": "Session", "module": "app", "object_id": 5, "is_referred": 1},
        {"type_id": 3, "name": "module", "module": "builtins", "object_id": 0},
    ]
    trace.add("object_types", types)
    names = [{"name_id": 1, "name": "history"}, {"name_id": 2, "name": "räum"}]
    trace.add("object_names", names)
    objects: list[dict[str, Any]] = [
        {"object_id": 1, "type_id": 3, "size": 72, "length": -1, "address": 1 << 46},
        {"object_id": 2, "type_id": 1, "size": 232, "length": 1, "address": 4096},
        {"object_id": 3, "type_id": 2, "size": 5 << 32, "length": -1, "unseen_references": 2},
        {"object_id": 4, "size": 56, "length": 0, "allocation_id": 1 << 50},
        {"object_id": 5, "type_id": 9, "size": 1064, "buffer_allocation_id": 65536},
    ]
    trace.add("objects", objects)
    references: list[dict[str, Any]] = [
        {"from_id": 1, "to_id": 2, "how": 1, "number": 1},
        {"from_id": 2, "to_id": 4, "how": 2},
        {"from_id": 2, "to_id": 3, "how": 3},
        {"from_id": 2, "to_id": 5, "how": 3, "number": 2},
        {"from_id": 3, "to_id": 4, "how": 4, "number": (1 << 31) - 1},
        {"from_id": 3, "to_id": 7, "how": 200},
    ]
    trace.add("object_references", references)
    texts = [{"object_id": 4, "text": "'u17'"}, {"object_id": 4, "text": b"\xed\xb2\x80"}]
    trace.add("object_texts", texts)
    roots: list[dict[str, Any]] = [
        {"object_id": 1, "name": "app"},
        {"object_id": 3, "kind": 1, "name": "x", "function": "f", "file": "/a.py", "line": 7},
        {"object_id": 4, "kind": 77, "os_thread_id": 1 << 40},
    ]
    trace.add("object_roots", roots)
    row: dict[str, Any] = {"checkpoint_id": 1, "time_ns": 900, "reason": "stop", "pause_ns": 12}
    row.update(first_object_id=1, object_count=5, reference_count=5, memory_bytes=1 << 20)
    trace.add("checkpoints", [row])
    trace.add("objects", [{"object_id": 6, "type_id": 1, "size": 64, "length": 0}])
    return trace


def main() -> None:
    traces = {
        "checkpoint": checkpoint().to_bytes(),
        "resident": resident().to_bytes(),
        "exact": exact(fmt.CODEC_ZSTD).to_bytes(),
        "exact-stored": exact(fmt.CODEC_STORED).to_bytes(),
        "sampled-killed": sampled().to_bytes(complete=False),
        "empty": TraceEncoder(METADATA).to_bytes(),
    }
    FOLDER.mkdir(exist_ok=True)
    for name, data in traces.items():
        (FOLDER / f"{name}.mlyze").write_bytes(data)
        trace = decode(data)
        tables = {
            table: [{key: as_json(value) for key, value in row.items()} for row in rows]
            for table, rows in trace.tables.items()
        }
        expected = {
            "metadata": trace.metadata,
            "is_complete": trace.is_complete,
            "tables": tables,
        }
        text = json.dumps(expected, indent=1, sort_keys=True)
        (FOLDER / f"{name}.json").write_text(text + "\n")


def as_json(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value


if __name__ == "__main__":
    main()
