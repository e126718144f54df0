"""When each process ended: the private table beneath `_process_ends`."""

from __future__ import annotations

import typing

import numpy as np

Columns = typing.Mapping[str, typing.Any]

# What was killed is read a little before the others, and may still run.
_MARGIN_NS = 1_000_000_000


def process_ends(processes: Columns, memory: Columns) -> dict[str, typing.Any]:
    """When each process was last seen: the end of its recording or, of one that was killed, the
    last tick of its memory clock; and whether it ended while others went on (`is_over`), from the
    tables `processes` and `memory`.
    """
    ids, ends = processes["process_id"], processes["end_ns"]
    is_killed = ends == -1
    end_ns = ends.copy()
    end_ns[is_killed] = [_last_tick(memory, number) for number in ids[is_killed].tolist()]
    is_over = end_ns + np.where(is_killed, _MARGIN_NS, 0) < end_ns.max(initial=0)
    return {"process_id": ids, "end_ns": end_ns, "is_over": is_over}


def _last_tick(memory: Columns, process_id: int) -> int:
    times = memory["time_ns"]
    if "process_id" in memory:
        times = times[memory["process_id"] == process_id]
    return int(times.max(initial=0))
