"""How the figures of a trace are estimated: the private table beneath `_sampling`, of one row.

`unseen_` is what there may be, with a probability of 5 %, where nothing was recorded: 3 over the
rate at which allocations are recorded. Of bytes that is the most for blocks of about the sample
interval, of allocations for the small objects that most are. Where all is recorded, it is 0.
"""

from __future__ import annotations

import math
import typing

import numpy as np

Columns = typing.Mapping[str, typing.Any]

_ADAPTIVE_BYTES = 524288.0  # the widest interval of a sampling that goes by the program's pace
_SMALL_OBJECT_BYTES = 48


class _Kept(typing.NamedTuple):
    """How closely one process was recorded."""

    is_exact: bool
    widest_bytes: float
    """An interval that changed counts as the widest that it ever was."""
    closest_bytes: float
    rate: float

    @property
    def hazard(self) -> float:
        """−ln of the probability that an allocation is not recorded, but for its size."""
        return -math.log(1 - self.rate)

    @property
    def unseen_bytes(self) -> float:
        return max((3 - self.hazard) * self.widest_bytes, _SMALL_OBJECT_BYTES * self.unseen)

    @property
    def unseen(self) -> float:
        """So many small objects."""
        return 3 / (self.hazard + _SMALL_OBJECT_BYTES / self.widest_bytes)


def sampling_row(metadata: Columns, samplings: Columns) -> dict[str, typing.Any]:
    """The row, from the tables `metadata` and `samplings`, over all processes together.

    What the options say counts where the rows of `samplings` were lost: only those that came into
    force have one.
    """
    kept = _of_processes(metadata, samplings)
    sampled = [process for process in kept if not process.is_exact]
    row = {
        "is_exact": bool(kept) and not sampled,
        "interval_bytes": max((process.widest_bytes for process in sampled), default=0.0),
        "unseen_bytes": max((process.unseen_bytes for process in sampled), default=0.0),
        "unseen_allocations": max((process.unseen for process in sampled), default=0.0),
        "closest_interval_bytes": min((process.closest_bytes for process in sampled), default=0.0),
        "rate": min((process.rate for process in kept), default=0.0),
    }
    return {name: np.array([value]) for name, value in row.items()}


def _of_processes(metadata: Columns, samplings: Columns) -> list[_Kept]:
    options: dict[int, dict[str, str]] = {}
    for process_id, key, value in zip(_process_ids(metadata), metadata["key"], metadata["value"]):
        options.setdefault(process_id, {})[key] = value
    in_force: dict[int, list[float]] = {}
    for process_id, interval in zip(_process_ids(samplings), samplings["interval_bytes"].tolist()):
        in_force.setdefault(process_id, []).append(interval)
    return [
        _kept(of_process, in_force.get(process_id, [0.0]))
        for process_id, of_process in options.items()
    ]


def _kept(options: typing.Mapping[str, str], in_force: list[float]) -> _Kept:
    rate = _number(options.get("sample_rate")) or 0.0
    interval = options.get("sample_interval") or ""
    told = _ADAPTIVE_BYTES if "adaptive" in interval else _number(interval) or 1.0
    return _Kept(
        is_exact=rate >= 1,
        widest_bytes=max(max(in_force) or told, 1.0),
        closest_bytes=max(min(in_force) or told, 1.0),
        rate=max(rate, 0.0),
    )


def _process_ids(table: Columns) -> list[int]:
    """That of each row; of a single file all are the same."""
    ids: list[int] = table["process_id"].tolist() if "process_id" in table else []
    return ids or [0] * len(next(iter(table.values())))


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None
