"""The tables that a trace has few rows of: made with numpy from whole columns."""

from __future__ import annotations

import shlex
from typing import Any, Iterable, Mapping

import numpy as np

from memlyze.trace import format as fmt
from memlyze.trace.metadata import metadata_int, strings_of
from memlyze.trace.source import BlockSource
from memlyze.trace.text import decode_source, decode_text, metadata_text, parse_json


def texts(values: Iterable[bytes]) -> Any:
    """An object array of str; equal texts are one object."""
    known: dict[bytes, str] = {}
    listed = list(values)
    array = np.empty(len(listed), dtype=object)
    for value in set(listed):
        known[value] = decode_text(value)
    array[:] = [known[value] for value in listed]
    return array


def text_array(values: Iterable[str]) -> Any:
    """An object array of str."""
    listed = list(values)
    array = np.empty(len(listed), dtype=object)
    array[:] = listed
    return array


def metadata(source: BlockSource, header: dict[str, Any]) -> dict[str, Any]:
    """The header's metadata, overwritten key by key by the `metadata` blocks."""
    merged = dict(header)
    columns = source.columns(fmt.METADATA)
    for key, value in zip(columns["key"], columns["value"]):
        text = decode_text(value)
        try:
            merged[decode_text(key)] = parse_json(text)
        except ValueError:
            merged[decode_text(key)] = text
    return merged


def metadata_table(merged: Mapping[str, Any]) -> dict[str, Any]:
    """One row a key."""
    return {
        "key": text_array(map(metadata_text, merged)),
        "value": text_array(map(metadata_text, merged.values())),
    }


def processes(merged: Mapping[str, Any], path: str) -> dict[str, Any]:
    """One row: the process that was recorded."""
    words = strings_of(merged.get("command_line"))
    integers = {
        "process_id": metadata_int(merged, "process_id"),
        "parent_process_id": metadata_int(merged, "parent_process_id"),
        "start_time_unix_ns": metadata_int(merged, "start_time_unix_ns"),
        "start_ns": 0,
        "kept_from_ns": metadata_int(merged, "part_start_ns"),
        "end_ns": metadata_int(merged, "end_ns", -1),
    }
    strings = {
        "command_line": " ".join(shlex.quote(word) for word in words),
        "python_version": merged.get("python_version", ""),
        "started_by": merged.get("started_by", ""),
        "ended_by": merged.get("stop_reason", ""),
        "path": path,
    }
    table: dict[str, Any] = {
        name: np.array([value], dtype=np.int64) for name, value in integers.items()
    }
    table.update((name, text_array([metadata_text(value)])) for name, value in strings.items())
    return table


def threads(source: BlockSource) -> dict[str, Any]:
    """One row a thread, in the order in which they came."""
    columns = source.columns(fmt.THREADS)
    names: dict[int, bytes] = {}
    for thread_id, name in zip(columns["thread_id"].tolist(), columns["name"]):
        if name or thread_id not in names:
            names[thread_id] = name
    rows = last_rows(columns["thread_id"])
    thread_ids = columns["thread_id"][rows]
    return {
        "thread_id": thread_ids.astype(np.int32),
        "os_thread_id": columns["os_thread_id"][rows],
        "name": texts(names[thread_id] for thread_id in thread_ids.tolist()),
        "start_ns": columns["start_ns"][rows],
        "end_ns": columns["end_ns"][rows],
    }


def windows(source: BlockSource) -> dict[str, Any]:
    """One row a window, in the order in which they were opened."""
    columns = source.columns(fmt.WINDOWS)
    rows = last_rows(columns["window_id"])
    places = rows.tolist()
    table: dict[str, Any] = {}
    for column in fmt.COLUMNS[fmt.WINDOWS]:
        values = columns[column.name]
        if column.encoding == fmt.BYTES:
            table[column.name] = texts([values[row] for row in places])
        else:
            is_id = column.high == fmt.ID_MAX
            table[column.name] = values[rows].astype(np.int32 if is_id else np.int64)
    return table


def last_rows(ids: Any) -> Any:
    """The last row of each id, in the order of the ids' first rows."""
    _, firsts = np.unique(ids, return_index=True)
    _, from_the_end = np.unique(ids[::-1], return_index=True)
    lasts = len(ids) - 1 - from_the_end
    return lasts[np.argsort(firsts, kind="stable")]


def memory(source: BlockSource) -> dict[str, Any]:
    """One row a tick of the memory clock; of a moment that comes twice, the last."""
    columns = source.columns(fmt.MEMORY)
    rows = last_rows(columns["time_ns"])
    return {name: values[rows] for name, values in columns.items()}


def resident(source: BlockSource) -> dict[str, Any]:
    """One row a category, or a file in it, at a snapshot of the resident memory."""
    columns = source.columns(fmt.RESIDENT)
    is_first = (columns["category"] == 0) & np.array([not path for path in columns["path"]], bool)
    kept = _of_last_snapshots(columns["time_ns"], is_first).tolist()
    names = fmt.RESIDENT_CATEGORY_NAMES
    table = {name: values[kept] for name, values in columns.items() if name != "path"}
    table["category"] = text_array(
        names[number] if number < len(names) else f"category {number}"
        for number in table["category"].tolist()
    )
    table["path"] = texts(columns["path"][row] for row in kept)
    return table


def _of_last_snapshots(times_ns: Any, is_first: Any) -> Any:
    """The rows without those of a snapshot that another one of the same moment follows, as early
    versions wrote them at the end; `is_first` marks where one begins.
    """
    firsts = np.flatnonzero(is_first)
    begins = dict(zip(times_ns[firsts].tolist(), firsts.tolist()))
    if len(begins) == len(firsts):
        return np.arange(len(times_ns))
    last_begins = np.array([begins.get(time_ns, 0) for time_ns in times_ns.tolist()])
    return np.flatnonzero(np.arange(len(times_ns)) >= last_begins)


def gc_runs(source: BlockSource) -> dict[str, Any]:
    """One row a run of the collector."""
    columns = source.columns(fmt.GC)
    columns["generation"] = columns["generation"].astype(np.uint8)
    for name in ("thread_id", "window_id"):
        columns[name] = columns[name].astype(np.int32)
    return columns


def sources(source: BlockSource) -> dict[str, Any]:
    """One row a source file that the recorder looked at; of a file that comes twice, the first."""
    columns = source.columns(fmt.SOURCES)
    first: dict[bytes, int] = {}
    for row, file in enumerate(columns["file"]):
        first.setdefault(file, row)
    rows = np.array(list(first.values()), dtype=np.int64)
    stored = [columns["text"][row] for row in rows.tolist()]
    sizes = columns["size"][rows]
    lengths = np.array([len(text) for text in stored], dtype=np.int64)
    return {
        "file": texts(first),
        "modified_unix_ns": columns["modified_unix_ns"][rows],
        "size": sizes,
        "crc32": columns["crc32"][rows],
        "text": text_array(map(decode_source, stored)),
        "left_out": texts(columns["left_out"][row] for row in rows.tolist()),
        "has_text": (lengths == sizes).astype(np.uint8),
    }


def samplings(source: BlockSource) -> dict[str, Any]:
    """One row a sampling, in the order of the ids; of an id that comes twice, the first."""
    columns = source.columns(fmt.SAMPLINGS)
    _, rows = np.unique(columns["sampling_id"], return_index=True)
    table = {name: values[rows] for name, values in columns.items()}
    table["sampling_id"] = table["sampling_id"].astype(np.int32)
    return table
