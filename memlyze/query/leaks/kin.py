"""Processes that do the same work, such as the workers of a server: they are judged as one.

What grows in one of them grows in all, each has but a part of the evidence, and nobody wants the
same line told once for each. So what they have of a site is added up, each by its own clock: at
equal shares of the time that it worked.
"""

from __future__ import annotations

import re
import typing

import numpy as np

from memlyze.query.leaks.clock import CELLS, Array, Clock
from memlyze.query.leaks.curves import OF_EACH, Columns, Lives

_NUMBER = re.compile(r"\d+")


Span = typing.Tuple[int, int]  # from when to when, in nanoseconds

#: What was started by a process that is not recorded is alike where it ran together for more than
#: this share of the shorter life.
_TOGETHER = 0.5


def kin(processes: Columns, spans: typing.Sequence[Span]) -> list[list[int]]:
    """The rows of `processes` that are alike: the same process started them, in the same way and
    with the same command line, numbers in it aside (of pipes, ports, or which worker it is).

    Of those that record themselves nothing but that is known of who started them, and a shell
    starts one command again and again: these must also have run at the same time, each beside one
    of the others. `spans` says of each row from when to when it ran.
    """
    groups: dict[typing.Any, list[int]] = {}
    names = ("process_id", "parent_process_id", "started_by", "command_line")
    for row, (number, parent, way, command) in enumerate(zip(*(processes[n] for n in names))):
        key = (parent, way, _NUMBER.sub("0", str(command))) if way or parent > 0 else number
        groups.setdefault(key, []).append(row)
    found: list[list[int]] = []
    for rows in groups.values():
        found += [rows] if processes["started_by"][rows[0]] else _at_once(rows, spans)
    return sorted(found)


def _at_once(rows: typing.Iterable[int], spans: typing.Sequence[Span]) -> list[list[int]]:
    """These rows in groups of those that ran at the same time, or beside one that both did."""
    groups: list[list[int]] = []
    for row in rows:
        beside = [
            group for group in groups if any(_ran_together(spans[row], spans[n]) for n in group)
        ]
        groups = [group for group in groups if group not in beside]
        groups.append(sorted([row, *(number for group in beside for number in group)]))
    return groups


def _ran_together(one: Span, other: Span) -> bool:
    shared_ns = min(one[1], other[1]) - max(one[0], other[0])
    return shared_ns > _TOGETHER * min(one[1] - one[0], other[1] - other[0])


def lives_together(parts: typing.Iterable[Lives]) -> Lives:
    """The lives of several processes as those of one, from the start of the first to the end of
    the last.
    """
    ways = iter(parts)
    joined = next(ways)
    rows = [[getattr(joined, name) for name in OF_EACH]]
    clocks = [joined.clock]
    spans = [joined.spans]
    for lives in ways:
        # What there is of each stack is added up at once: of hundreds of processes it is much.
        joined = joined._replace(
            start_ns=min(joined.start_ns, lives.start_ns),
            end_ns=max(joined.end_ns, lives.end_ns),
            activity=joined.activity + lives.activity,
            stack_bytes=joined.stack_bytes + lives.stack_bytes,
            stack_samples=joined.stack_samples + lives.stack_samples,
            stack_first_ns=np.minimum(joined.stack_first_ns, lives.stack_first_ns),
        )
        rows.append([getattr(lives, name) for name in OF_EACH])
        clocks.append(lives.clock)
        spans.append(lives.spans)
    if len(clocks) == 1:
        return joined
    joint: dict[str, Array] = {
        name: np.concatenate(of_processes) for name, of_processes in zip(OF_EACH, zip(*rows))
    }
    counts = [len(of_process[0]) for of_process in rows]
    joint["process"] = np.repeat(np.arange(len(rows), dtype=np.int16), counts)
    joined = joined._replace(**joint, spans=np.concatenate(spans))
    return joined._replace(clock=_usual_clock(clocks, joined.start_ns, joined.end_ns))


def _usual_clock(clocks: typing.Sequence[Clock], start_ns: int, end_ns: int) -> Clock:
    """How these clocks go on average, from `start_ns` to `end_ns`."""
    every = np.arange(CELLS + 1)
    plain_cell = np.mean([clock.plain_cell for clock in clocks], axis=0)
    busy_cell = np.minimum(np.interp(every, plain_cell, every).astype(np.int64), CELLS - 1)
    busy_cell[-1] = CELLS
    return Clock(
        edge_ns=np.linspace(start_ns, end_ns, CELLS + 1),
        busy_cell=busy_cell,
        plain_cell=plain_cell,
        running=np.mean([clock.running for clock in clocks], axis=0),
        sees_idling=all(clock.sees_idling for clock in clocks),
    )
