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
    """A trace of these lives; sampled where `interval_bytes` > 0. Each site is a function of the
    program; `windows` are (number, name, start in milliseconds), all of one kind; `work` is
    (milliseconds, CPU time so far in microseconds, waits so far).
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
    sites = sorted({life.site for life in lives})
    trace.add("codes", [{"code_id": 1, "function": "<truncated>"}])
    for number, site in enumerate(sites):
        code = {"code_id": number + 2, "function": site, "file": PROGRAM_FILE}
        trace.add("codes", [dict(code, first_line=10 * number + 10)])
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
    _add_events(trace, lives, {site: number + 1 for number, site in enumerate(sites)})
    return trace


def write_lives(path: Path, lives: Iterable[Life], **options: object) -> str:
    """Write the trace; return its path as text."""
    lives_trace(lives, **options).write(path, complete=options.get("end_ms", 0) is not None)  # type: ignore[arg-type]
    return str(path)


def _add_events(trace: TraceEncoder, lives: list[Life], stack_of: dict[str, int]) -> None:
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
            Free(given[number]) if is_free else Allocation(life.size, stack_of[life.site])
        )
        if not is_free:
            given[number] = next_id
        window_id = 0 if is_free else life.window_id
        runs.append(Run(1, time_ms * MS, next_id, [event], window_id=window_id))
    if runs:
        trace.add_runs(runs)
