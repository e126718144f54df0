"""Traces made from lives: when each allocation of each site was made and freed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Iterable, Mapping, NamedTuple

from trace_encoder import EXACT_SAMPLING, Allocation, Free, Run, TraceEncoder

MS = 1_000_000
PROGRAM_FILE = "/srv/app/main.py"
FIRST_ID = 65536


class Life(NamedTuple):
    """One allocation; times in milliseconds since the start."""

    site: str
    born_ms: int
    died_ms: int | None
    size: int
    window_id: int = 0
    file: str = PROGRAM_FILE
    held_by: str = ""
    """The list of the module `app` that has the object at the end, in a trace with a checkpoint."""


def lives_trace(
    lives: Iterable[Life],
    *,
    end_ms: int | None = 2000,
    interval_bytes: float = 0.0,
    process_id: int = 7,
    started_by: str = "",
    start_time_unix_ns: int = 10**18,
    command_line: Iterable[str] = ("python", "app.py"),
    windows: Iterable[tuple[int, str, int]] = (),
    window_kind: str = "window",
    collections_ms: Iterable[int] = (),
    work: Iterable[tuple[int, int, int]] = (),
    more_metadata: Mapping[str, Any] | None = None,
) -> TraceEncoder:
    """A trace of these lives; sampled where `interval_bytes` > 0.

    Each site is a function of the program, or a line of it, as in `load:12`; `windows` are (number,
    name, start in milliseconds), all of one kind; `work` is (milliseconds, CPU time so far in
    microseconds, waits so far). There is a checkpoint at the end where anything is held.
    """
    lives = list(lives)
    sampling = dict(EXACT_SAMPLING)
    if interval_bytes:
        sampling.update(interval_bytes=interval_bytes, rate=0.0)
    metadata = {
        "process_id": process_id,
        "parent_process_id": 1,
        "started_by": started_by,
        "command_line": list(command_line),
        "python_path": ["/srv/app"],
        "start_time_unix_ns": start_time_unix_ns,
        "sample_rate": 0.0 if interval_bytes else 1.0,
        "sample_interval": interval_bytes,
        **(more_metadata or {}),
    }
    if end_ms is not None:
        metadata.update(end_ns=end_ms * MS, stop_reason="exit")
    trace = TraceEncoder(metadata, samplings=[sampling])
    sites = sorted({(life.site, life.file) for life in lives})
    trace.add("codes", [{"code_id": 1, "function": "<truncated>"}])
    for number, (site, file) in enumerate(sites):
        function, _, line = site.partition(":")
        code = {"code_id": number + 2, "function": function, "file": file}
        trace.add("codes", [dict(code, first_line=int(line or 10 * number + 10))])
    stacks = [{"stack_id": n + 1, "parent_id": 0, "code_id": n + 2} for n in range(len(sites))]
    trace.add("stacks", stacks)
    trace.add("threads", [{"thread_id": 1, "os_thread_id": 70, "name": "MainThread"}])
    trace.add(
        "windows",
        [
            {
                "window_id": number,
                "kind": window_kind,
                "name": name,
                "start_ns": start_ms * MS,
                "end_ns": (start_ms + 1) * MS,
                "thread_id": 1,
            }
            for number, name, start_ms in windows
        ],
    )
    trace.add(
        "gc",
        [
            {"time_ns": at * MS, "duration_ns": MS, "generation": 2, "collected": 9, "thread_id": 1}
            for at in collections_ms
        ],
    )
    trace.add(
        "memory", [{"time_ns": at * MS, "cpu_us": cpu, "waits": waits} for at, cpu, waits in work]
    )
    ids = _add_events(trace, lives, {site: number + 1 for number, site in enumerate(sites)})
    if any(life.held_by for life in lives):
        _add_checkpoint(trace, lives, ids, int(metadata["end_ns"]))
    return trace


def write_lives(path: Path, lives: Iterable[Life], **options: object) -> str:
    """Write the trace; return its path as text."""
    lives_trace(lives, **options).write(path, complete=options.get("end_ms", 0) is not None)  # type: ignore[arg-type]
    return str(path)


def _add_events(
    trace: TraceEncoder, lives: list[Life], stack_of: dict[tuple[str, str], int]
) -> dict[int, int]:
    """Adds them; the id of each allocation by the number of its life."""
    events = [(life.born_ms, 0, number) for number, life in enumerate(lives)]
    events += [
        (life.died_ms, 1, number) for number, life in enumerate(lives) if life.died_ms is not None
    ]
    given: dict[int, int] = {}
    runs = []
    for time_ms, is_free, number in sorted(events):
        life = lives[number]
        next_id = FIRST_ID + len(given)
        event: Allocation | Free = (
            Free(given[number])
            if is_free
            else Allocation(life.size, stack_of[life.site, life.file])
        )
        if not is_free:
            given[number] = next_id
        window_id = 0 if is_free else life.window_id
        runs.append(Run(1, time_ms * MS, next_id, [event], window_id=window_id))
    if runs:
        trace.add_runs(runs)
    return given


def _add_checkpoint(
    trace: TraceEncoder, lives: list[Life], allocation_ids: dict[int, int], time_ns: int
) -> None:
    """The lists that are names of the module `app`, and the objects in them."""
    names = ("module", "dict", "str", "list", "object")
    trace.add(
        "object_types",
        [{"type_id": n + 1, "name": name, "module": "builtins"} for n, name in enumerate(names)],
    )
    trace.add("object_names", [{"name_id": 1, "name": "__dict__"}])
    objects = [{"type_id": 1}, {"type_id": 2}]
    references = [{"from_id": 1, "to_id": 2, "how": 1, "number": 1}]
    texts = {1: "app"}
    for container in sorted({life.held_by for life in lives if life.held_by}):
        held = [
            allocation_ids[number]
            for number, life in enumerate(lives)
            if life.held_by == container and life.died_ms is None
        ]
        name_id, list_id = len(objects) + 1, len(objects) + 2
        texts[name_id] = repr(container)
        objects += [{"type_id": 3}, {"type_id": 4}]
        objects += [{"type_id": 5, "allocation_id": allocation_id} for allocation_id in held]
        references += [
            {"from_id": 2, "to_id": name_id, "how": 2},
            {"from_id": 2, "to_id": list_id, "how": 3},
        ]
        references += [
            {"from_id": list_id, "to_id": list_id + 1 + place, "how": 4, "number": place}
            for place in range(len(held))
        ]
    trace.add(
        "objects",
        [
            dict(row, object_id=number + 1, address=4096 * number + 4096, size=64, length=-1)
            for number, row in enumerate(objects)
        ],
    )
    trace.add("object_references", sorted(references, key=lambda row: row["from_id"]))
    trace.add("object_texts", [{"object_id": k, "text": text} for k, text in texts.items()])
    trace.add("object_roots", [{"object_id": 1, "name": "app"}])
    checkpoint = {"checkpoint_id": 1, "time_ns": time_ns, "reason": "exit", "pause_ns": 1000}
    checkpoint.update(first_object_id=1, object_count=len(objects))
    trace.add("checkpoints", [dict(checkpoint, reference_count=len(references))])
