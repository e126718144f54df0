"""Large traces that look like recorded ones, made from random numbers in seconds.

    python tests/helpers/synthetic_trace.py big.mlyze --allocations 10000000

Most objects are small and die young, a few live to the end; a thread's allocations come in runs of
the same coarse millisecond and mostly from the stack that allocated last.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from trace_encoder import EXACT_SAMPLING, TraceEncoder

from memlyze.trace import format as fmt

NS_PER_MS = 1_000_000
RANGE = 1 << 16
METADATA = {
    "memlyze_version": "0.0.0",
    "format_version": 1,
    "python_version": "3.11.7",
    "python_implementation": "CPython",
    "command_line": ["python", "app/main.py"],
    "python_path": ["/srv/app", "/usr/lib/python3.11", "/usr/lib/python3.11/site-packages"],
    "process_id": 4242,
    "parent_process_id": 1,
    "start_time_unix_ns": 1_790_000_000_000_000_000,
}


def synthetic_trace(
    allocations: int,
    *,
    threads: int = 3,
    stacks: int = 5000,
    seed: int = 1,
    interval_bytes: float = 0.0,
    rate: float = 1.0,
    windows: int = 50,
    live_fraction: float = 0.02,
    mean_life: int = 40,
    events_per_block: int = 100_000,
    process_id: int = 4242,
    codec: int = fmt.CODEC_ZSTD,
) -> TraceEncoder:
    """A trace of `allocations` allocations and their frees; sampled where `interval_bytes` > 0.

    A freed allocation lives for `mean_life` allocations of its thread at the median.
    """
    random = np.random.default_rng(seed)
    sampling = dict(EXACT_SAMPLING)
    if interval_bytes:
        surcharge = round(-np.log1p(-rate) * interval_bytes)
        sampling.update(interval_bytes=interval_bytes, rate=rate, surcharge_bytes=float(surcharge))
    per_thread = [allocations // threads + (k < allocations % threads) for k in range(threads)]
    events_a_ms = 2000
    end_ns = (2 * max(per_thread) // events_a_ms + 1) * NS_PER_MS
    metadata = dict(METADATA, process_id=process_id, end_ns=end_ns, stop_reason="exit")
    metadata.update(
        sample_rate=rate, sample_interval=interval_bytes, allocations_recorded=allocations
    )
    trace = TraceEncoder(metadata, codec=codec, samplings=[sampling])
    _add_stacks(trace, random, stacks)
    _add_small_tables(trace, random, threads, windows, end_ns)
    parts = [
        _thread_events(
            random,
            k,
            threads,
            per_thread[k],
            stacks,
            windows,
            events_a_ms,
            live_fraction,
            mean_life,
        )
        for k in range(threads)
    ]
    _add_events(trace, parts, events_per_block)
    return trace


def _add_stacks(trace: TraceEncoder, random: np.random.Generator, stacks: int) -> None:
    code_count = max(stacks // 8, 1)
    codes: list[dict[str, Any]] = [{"code_id": 1, "function": "<truncated>", "file": ""}]
    for k in range(code_count):
        package = ("app", "json", "django/db", "numpy/core")[k % 4]
        root = METADATA["python_path"][0 if k % 4 == 0 else 1 if k % 4 == 1 else 2]  # type: ignore[index]
        codes.append(
            {
                "code_id": k + 2,
                "function": f"Class{k % 97}.method_{k}" if k % 3 else f"function_{k}",
                "file": f"{root}/{package}/module_{k % 61}.py",
                "first_line": 10 + 40 * (k % 25),
                "line_table_kind": 2,
                "line_table": bytes([2, 1]) * 40,
            }
        )
    trace.add("codes", codes)
    rows = []
    for k in range(1, stacks + 1):
        parent = int(random.integers(max(k - 30, 0), k)) if k > 3 else 0
        code = 2 + int(random.integers(0, code_count))
        rows.append(
            {
                "stack_id": k,
                "parent_id": parent,
                "code_id": code,
                "instruction": 2 * int(random.integers(0, 40)),
            }
        )
    trace.add("stacks", rows)


def _add_small_tables(
    trace: TraceEncoder, random: np.random.Generator, threads: int, windows: int, end_ns: int
) -> None:
    names = ["MainThread"] + [f"worker-{k}" for k in range(1, threads)]
    trace.add(
        "threads",
        [
            {"thread_id": k + 1, "os_thread_id": 7000 + k, "name": names[k], "end_ns": -1}
            for k in range(threads)
        ],
    )
    opened = []
    for k in range(windows):
        opened.append(
            {
                "window_id": k + 1,
                "kind": "window",
                "name": f"GET /item/{k % 7}",
                "start_ns": end_ns * k // max(windows, 1),
                "thread_id": k % threads + 1,
                "attributes": '{"status": 200}',
            }
        )
    trace.add("windows", opened)
    trace.add("windows", [dict(row, end_ns=row["start_ns"] + end_ns // windows) for row in opened])
    ticks = np.arange(0, end_ns, 10 * NS_PER_MS)
    rss = 30_000_000 + np.cumsum(random.integers(-50_000, 60_000, len(ticks)))
    memory = {
        "time_ns": ticks,
        "rss": rss,
        "heap_live": rss // 2,
        "heap_live_count": rss // 160,
        "tracer_bytes": np.full(len(ticks), 9 << 20),
    }
    trace.add_columns("memory", memory, row_count=len(ticks))
    trace.add("resident", [{"category": 1, "mapping_count": 9, "resident_bytes": 40 << 20}])
    runs = np.arange(0, end_ns, 70 * NS_PER_MS)
    collector = {
        "time_ns": runs,
        "duration_ns": random.integers(20_000, 900_000, len(runs)),
        "generation": random.integers(0, 3, len(runs)),
        "collected": random.integers(0, 500, len(runs)),
        "uncollectable": np.zeros(len(runs), dtype=np.int64),
        "thread_id": np.ones(len(runs), dtype=np.int64),
    }
    trace.add_columns("gc", collector, row_count=len(runs))


def _thread_events(
    random: np.random.Generator,
    thread: int,
    threads: int,
    count: int,
    stacks: int,
    windows: int,
    events_a_ms: int,
    live_fraction: float,
    mean_life: int,
) -> dict[str, Any]:
    """The events of one thread in order, and where its runs begin."""
    order = np.arange(count)
    ids = ((order // RANGE) * threads + thread + 1) * RANGE + order % RANGE
    small = random.choice(np.array([24, 28, 32, 40, 48, 56, 64, 72, 88, 104, 232]), count)
    large = np.exp(random.normal(7.0, 1.5, count)).astype(np.int64)
    sizes = np.where(random.random(count) < 0.97, small, large)
    life = np.exp(random.normal(np.log(mean_life), 2.0, count))
    freed_at = order + 0.5 + life
    dies = (random.random(count) > live_fraction) & (freed_at < count)
    position = np.concatenate([order.astype(np.float64), freed_at[dies]])
    victim = np.concatenate([order, order[dies]])
    is_free = np.concatenate([np.zeros(count, dtype=bool), np.ones(int(dies.sum()), dtype=bool)])
    sequence = np.argsort(position, kind="stable")
    victim, is_free = victim[sequence], is_free[sequence]
    moves = np.cumsum(random.random(count) < 0.3)
    hot = (np.abs(random.standard_cauchy(int(moves[-1]) + 1 if count else 1)) * stacks / 50).astype(
        np.int64
    )
    allocated_before = np.cumsum(~is_free) - ~is_free
    # Runs end with the millisecond and where the thread goes to its next range of ids.
    run_key = np.arange(len(victim)) // events_a_ms
    return {
        "thread": thread + 1,
        "is_free": is_free,
        "size_code": np.where(is_free, 0, sizes[victim] + 1),
        "stack_id": (hot[moves[victim]] % stacks + 1) if count else victim,
        "victim_id": ids[victim] if count else victim,
        "allocated_before": allocated_before,
        "ids": ids,
        "run_key": run_key,
        "range_key": np.minimum(allocated_before, max(count - 1, 0)) // RANGE,
        "windows": windows,
    }


def _add_events(trace: TraceEncoder, parts: list[dict[str, Any]], events_per_block: int) -> None:
    runs: list[tuple[int, int, int, int]] = []  # time, part, first event, event after the last
    for k, part in enumerate(parts):
        keys = part["run_key"] * (1 << 32) + part["range_key"]
        if not len(keys):
            continue
        starts = np.concatenate([[0], np.nonzero(np.diff(keys))[0] + 1])
        ends = np.concatenate([starts[1:], [len(keys)]])
        times = part["run_key"][starts]
        runs.extend((int(t), k, int(a), int(b)) for t, a, b in zip(times, starts, ends))
    runs.sort()
    block: list[tuple[int, int, int, int]] = []
    events = 0
    for run in runs:
        block.append(run)
        events += run[3] - run[2]
        if events >= events_per_block:
            _add_events_block(trace, parts, block, events)
            block, events = [], 0
    if block:
        _add_events_block(trace, parts, block, events)


def _add_events_block(
    trace: TraceEncoder,
    parts: list[dict[str, Any]],
    block: list[tuple[int, int, int, int]],
    events: int,
) -> None:
    size_code, stack_id, freed, first_ids, window_ids = [], [], [], [], []
    for time, k, first, end in block:
        part = parts[k]
        ids, before = part["ids"], part["allocated_before"][first:end]
        next_place = int(before[0])
        first_id = int(ids[next_place]) if next_place < len(ids) else int(ids[-1]) + 1
        first_ids.append(first_id)
        is_free = part["is_free"][first:end]
        size_code.append(part["size_code"][first:end])
        stack_id.append(part["stack_id"][first:end][~is_free])
        freed.append((first_id + before - next_place - part["victim_id"][first:end])[is_free])
        window_ids.append((time // 40) % (part["windows"] + 1))
    stacks = np.concatenate(stack_id)
    columns = {
        "thread_id": [parts[k]["thread"] for _, k, _, _ in block],
        "time_ns": [time * NS_PER_MS for time, _, _, _ in block],
        "window_id": window_ids,
        "sampling_id": [1] * len(block),
        "first_allocation_id": first_ids,
        "event_count": [end - first for _, _, first, end in block],
        "size_code": np.concatenate(size_code),
        "allocator": np.full(len(stacks), 2),
        "stack_id": stacks,
        "freed": np.concatenate(freed),
    }
    trace.add_columns("events", columns, row_count=events)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output")
    parser.add_argument("--allocations", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sample-interval", type=float, default=0.0)
    arguments = parser.parse_args()
    trace = synthetic_trace(
        arguments.allocations,
        seed=arguments.seed,
        interval_bytes=arguments.sample_interval,
        rate=0.001 if arguments.sample_interval else 1.0,
    )
    trace.write(arguments.output)


if __name__ == "__main__":
    main()
