"""From decoded rows to tables in plain Python: part of the reference decoder."""

from __future__ import annotations

import math
from typing import Any

from memlyze.trace import format as fmt
from memlyze.trace.modules import ModuleNames
from memlyze.trace.reference_lines import line_of
from memlyze.trace.text import decode_source, decode_text

LOST = (b"<lost>", b"", 0, 0)
"""Function, file, line and language of what damage took away."""
LAST_OF_MEMORY = fmt.ALLOCATOR_NAMES.index("mmap")


def make_tables(
    rows: dict[int, list[dict[str, Any]]], metadata: dict[str, Any]
) -> dict[str, list[dict[str, Any]]]:
    """All tables but `processes` and `metadata`, which are metadata in other words."""
    frames, stacks, merged_ids = merge_stacks(rows[fmt.CODES], rows[fmt.STACKS], metadata)
    samplings = first_rows(rows[fmt.SAMPLINGS], "sampling_id")
    return {
        "allocations": allocations(rows[fmt.EVENTS], samplings, merged_ids),
        "frees": frees(rows[fmt.EVENTS], samplings),
        "frames": frames,
        "stacks": stacks,
        "stack_frames": spell_out(stacks),
        "threads": threads(rows[fmt.THREADS]),
        "memory": list({row["time_ns"]: row for row in rows[fmt.MEMORY]}.values()),
        "resident": resident(rows[fmt.RESIDENT]),
        "gc": rows[fmt.GC],
        "windows": windows(rows[fmt.WINDOWS]),
        "samplings": samplings,
        "sources": sources(rows[fmt.SOURCES]),
        "checkpoints": with_text(rows[fmt.CHECKPOINTS], "reason"),
        "object_types": with_text(rows[fmt.OBJECT_TYPES], "name", "module"),
        "objects": rows[fmt.OBJECTS],
        "object_references": rows[fmt.OBJECT_REFERENCES],
        "object_names": with_text(rows[fmt.OBJECT_NAMES], "name"),
        "object_texts": first_rows(with_text(rows[fmt.OBJECT_TEXTS], "text"), "object_id"),
        "object_roots": with_text(rows[fmt.OBJECT_ROOTS], "name", "function", "file"),
    }


def allocations(
    events: list[dict[str, Any]], samplings: list[dict[str, Any]], merged_ids: dict[int, int]
) -> list[dict[str, Any]]:
    """One row an allocation, in file order, with the time of its first free.

    Those in the order of the file, except that a free which stands before its allocation's block
    counts after all others. Frees of unknown allocations are left out.
    """
    by_id = {event["allocation_id"]: event for event in events if "allocation_id" in event}
    for event in events_by_known_allocation(events):
        allocation = by_id.get(event["free_of"])
        if allocation is not None and allocation["freed_ns"] == -1:
            # Clocks are coarse: no allocation is freed before it was made.
            allocation["freed_ns"] = max(event["time_ns"], allocation["time_ns"])
    table = []
    for event in by_id.values():
        row = dict(event, stack_id=merged_ids.get(event["stack_id"], 0))
        row["weight"] = weight(row["size"], row.pop("sampling_id"), samplings)
        row.pop("block")
        table.append(row)
    return table


def frees(events: list[dict[str, Any]], samplings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """How many allocations the thread of each made between it and its free, by their weights.

    −1 where it was not freed, or not by its thread, or stood before it in the file.
    """
    block_of = {e["allocation_id"]: e["block"] for e in events if "allocation_id" in e}
    between = dict.fromkeys(block_of, -1.0)
    made: dict[int, float] = {}
    births: dict[int, tuple[int, float]] = {}
    freed = set()
    for event in events:
        thread_id = event["thread_id"]
        so_far = made.get(thread_id, 0.0)
        if "allocation_id" in event:
            if event["allocator"] <= LAST_OF_MEMORY:
                so_far += weight(event["size"], event["sampling_id"], samplings)
            made[thread_id] = so_far
            births[event["allocation_id"]] = thread_id, so_far
            continue
        number = event["free_of"]
        if number in freed or block_of.get(number, event["block"] + 1) > event["block"]:
            continue
        freed.add(number)
        if number in births and births[number][0] == thread_id:
            between[number] = so_far - births[number][1]
    return [{"allocation_id": number, "made_between": value} for number, value in between.items()]


def events_by_known_allocation(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The frees: first those whose allocation's block is no later than theirs."""
    block_of = {e["allocation_id"]: e["block"] for e in events if "allocation_id" in e}
    frees = [event for event in events if "free_of" in event]

    def is_early(event: dict[str, Any]) -> bool:
        return bool(block_of.get(event["free_of"], 0) > event["block"])

    return sorted(frees, key=is_early)


def weight(size: int, sampling_id: int, samplings: list[dict[str, Any]]) -> float:
    """1/p. Of a sampling that is not there the one before stands in, else the first."""
    if not samplings:
        return 1.0
    known = samplings[0]
    for sampling in samplings:
        if sampling["sampling_id"] <= sampling_id:
            known = sampling
    interval = known["interval_bytes"]
    if interval == 0:
        return 1.0
    try:
        x = (float(size) + known["surcharge_bytes"]) / interval
        inverse = -1 / math.expm1(-x) if x > 0 else 1.0
    except (OverflowError, ZeroDivisionError):
        return 1.0
    return inverse if math.isfinite(inverse) else 1.0


def merge_stacks(
    codes: list[dict[str, Any]], stacks: list[dict[str, Any]], metadata: dict[str, Any]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], dict[int, int]]:
    """The `frames` and `stacks` tables, and the merged id of each stack id of the file."""
    code_of = {code["code_id"]: code for code in reversed(codes)}
    code_of.setdefault(
        fmt.TRUNCATED_CODE_ID,
        {
            "function": b"<truncated>",
            "file": b"",
            "first_line": 0,
            "line_table_kind": fmt.LINE_TABLE_NONE,
            "line_table": b"",
            "language": 0,
        },
    )
    frame_ids: dict[Any, int] = {}
    merged: dict[tuple[int, int], int] = {}
    depths = [0]
    merged_ids: dict[int, int] = {}

    def frame_id(code: dict[str, Any] | None, instruction: int) -> int:
        key: Any = LOST
        if code is not None:
            line = line_of(
                code["line_table_kind"], code["line_table"], code["first_line"], instruction
            )
            key = (code["function"], code["file"], line, code["language"])
        return frame_ids.setdefault(key, len(frame_ids) + 1)

    def stack_id(parent_id: int, frame: int) -> int:
        if (parent_id, frame) not in merged:
            merged[parent_id, frame] = len(merged) + 1
            depths.append(depths[parent_id] + 1)
        return merged[parent_id, frame]

    for row in stacks:
        if row["stack_id"] == 0 or row["stack_id"] in merged_ids:
            continue
        parent_id = 0
        if row["parent_id"]:
            parent_id = merged_ids.get(row["parent_id"], 0) or stack_id(0, frame_id(None, 0))
        frame = frame_id(code_of.get(row["code_id"]), row["instruction"])
        merged_ids[row["stack_id"]] = stack_id(parent_id, frame)
    modules = ModuleNames(metadata)
    frames = [_frame_row(number, key, modules) for key, number in frame_ids.items()]
    table = [
        {"stack_id": number, "parent_id": parent, "frame_id": frame, "depth": depths[number]}
        for (parent, frame), number in merged.items()
    ]
    return frames, table, merged_ids


def _frame_row(
    number: int, key: tuple[bytes, bytes, int, int], modules: ModuleNames
) -> dict[str, Any]:
    function, file, line, language = key
    names = fmt.LANGUAGE_NAMES
    language_name = names[language] if language < len(names) else f"language {language}"
    return {
        "frame_id": number,
        "function": decode_text(function),
        "file": decode_text(file),
        "line": line,
        "module": modules.name(decode_text(file), language_name),
        "language": language_name,
    }


def spell_out(stacks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row a frame of each stack, leaf first."""
    rows = []
    for stack in stacks:
        at, depth = stack, 0
        while True:
            rows.append({"stack_id": stack["stack_id"], "depth": depth, "frame_id": at["frame_id"]})
            if at["parent_id"] == 0:
                break
            at, depth = stacks[at["parent_id"] - 1], depth + 1
    return rows


def threads(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A later row replaces an earlier one, but an empty name no known one."""
    table: dict[int, dict[str, Any]] = {}
    for row in rows:
        name = decode_text(row["name"])
        if not name and row["thread_id"] in table:
            name = table[row["thread_id"]]["name"]
        table[row["thread_id"]] = dict(row, name=name)
    return list(table.values())


def windows(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A later row replaces an earlier one."""
    table: dict[int, dict[str, Any]] = {}
    for row in rows:
        texts = {name: decode_text(row[name]) for name in ("kind", "name", "attributes", "method")}
        table[row["window_id"]] = dict(row, **texts)
    return list(table.values())


def resident(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """With the name of each category; of those that come with later versions, the number.

    Of two snapshots of one moment only the last one counts.
    """
    names = fmt.RESIDENT_CATEGORY_NAMES
    begins: dict[int, list[int]] = {}
    for place, row in enumerate(rows):
        if row["category"] == 0 and not row["path"]:
            begins.setdefault(row["time_ns"], []).append(place)
    last = {time_ns: places[-1] for time_ns, places in begins.items() if len(places) > 1}
    return [
        dict(
            row,
            category=names[row["category"]]
            if row["category"] < len(names)
            else f"category {row['category']}",
            path=decode_text(row["path"]),
        )
        for place, row in enumerate(rows)
        if place >= last.get(row["time_ns"], 0)
    ]


def sources(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first row of each file, with its text in the encoding that it declares."""
    first: dict[bytes, dict[str, Any]] = {}
    for row in rows:
        first.setdefault(row["file"], row)
    return [
        dict(
            row,
            file=decode_text(row["file"]),
            left_out=decode_text(row["left_out"]),
            text=decode_source(row["text"]),
            has_text=int(len(row["text"]) == row["size"]),
        )
        for row in first.values()
    ]


def with_text(rows: list[dict[str, Any]], *names: str) -> list[dict[str, Any]]:
    """With these columns as text."""
    return [dict(row, **{name: decode_text(row[name]) for name in names}) for row in rows]


def first_rows(rows: list[dict[str, Any]], key: str) -> list[dict[str, Any]]:
    """The first row of each key, in the order of the keys."""
    table: dict[int, dict[str, Any]] = {}
    for row in rows:
        table.setdefault(row[key], row)
    return [table[number] for number in sorted(table)]
