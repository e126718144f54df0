"""What the resident memory consisted of, in the snapshots that were taken of it."""

from __future__ import annotations

import typing

from memlyze.analyses.ended_processes import ended_processes
from memlyze.analyses.statements import run_statement
from memlyze.query.session import Trace

Array = typing.Any  # a one-dimensional numpy array
_RECORDERS_OWN = "tracer"  # the category


class Part(typing.NamedTuple):
    """A category of resident memory, as the view `rss_explained` names it."""

    category: str
    """Name of the category."""
    resident_bytes: int
    """Bytes of it in physical memory."""
    reserved_bytes: int
    """Bytes of addresses that are set apart for it."""
    share: float
    """Of the resident memory, from 0 to 1."""


class ResidentMemory(typing.NamedTuple):
    """The resident memory of a process at one moment, and its parts, greatest first."""

    time_ns: int
    bytes: int
    """Of all parts together."""
    parts: tuple[Part, ...]
    """The parts, greatest first."""

    def bytes_of(self, category: str) -> int:
        """Bytes of one category in physical memory."""
        return sum(part.resident_bytes for part in self.parts if part.category == category)

    @property
    def tracer_bytes(self) -> int:
        """What the recorder itself holds of it."""
        return self.bytes_of(_RECORDERS_OWN)

    @property
    def program_bytes(self) -> int:
        """The program's: without what the recorder holds. Its peak is what is called that of
        resident memory everywhere.
        """
        return self.bytes - self.tracer_bytes

    @property
    def program_parts(self) -> tuple[Part, ...]:
        """The parts of the program's, greatest first, each with its share of `program_bytes`."""
        whole = max(self.program_bytes, 1)
        return tuple(
            part._replace(share=part.resident_bytes / whole)
            for part in self.parts
            if part.category != _RECORDERS_OWN
        )


def explain_peak(trace: Trace, process_id: int) -> ResidentMemory | None:
    """The snapshot of a process that saw most of the program's resident memory, what the recorder
    holds left aside; None where none was taken.

    Snapshots are rarer than ticks of the memory clock: the peak itself may have been higher. It is
    never lower, as a snapshot is a reading, too.
    """
    return _explain(trace, process_id, None)


def explain_near(trace: Trace, process_id: int, moment_ns: int) -> ResidentMemory | None:
    """The snapshot of a process that was taken nearest to a moment; None where none was taken."""
    return _explain(trace, process_id, moment_ns)


def _explain(trace: Trace, process_id: int, moment_ns: int | None) -> ResidentMemory | None:
    parameters = {"process_id": process_id, "moment_ns": moment_ns}
    rows = run_statement(trace, "resident_memory", parameters)
    if not rows:
        return None
    parts = tuple(Part(**{name: row[name] for name in Part._fields}) for row in rows)
    return ResidentMemory(rows[0]["time_ns"], sum(part.resident_bytes for part in parts), parts)


class Category(typing.NamedTuple):
    """A category over time: its bytes at each snapshot."""

    name: str
    resident_bytes: list[int]
    reserved_bytes: list[int]


class ResidentOverTime(typing.NamedTuple):
    """Each moment of a range at which something else is known, and what is known until the next.

    Those are the snapshots, the ends of processes while others went on, and the start of the range
    where there was a snapshot before it. Of several processes each counts with its last snapshot,
    as long as it runs.
    """

    times_ns: list[int]
    categories: tuple[Category, ...]
    """The greatest first."""


def resident_over_time(
    trace: Trace, *, from_ns: int, to_ns: int, process_id: int | None = None
) -> ResidentOverTime:
    """What the resident memory consisted of at each moment of [from_ns, to_ns) at which that
    changed, as far as snapshots tell.
    """
    rows = run_statement(trace, "resident_snapshots", {"to_ns": to_ns, "process_id": process_id})
    ends = ended_processes(trace)
    changes: dict[int, dict[int, list[dict[str, typing.Any]]]] = {}
    for row in rows:
        if row["time_ns"] <= ends.get(row["process_id"], row["time_ns"]):
            at_once = changes.setdefault(row["time_ns"], {})
            at_once.setdefault(row["process_id"], []).append(row)
    for number in {number for at_once in changes.values() for number in at_once} & ends.keys():
        if ends[number] + 1 < to_ns:  # with a process goes what it had
            changes.setdefault(ends[number] + 1, {})[number] = []
    if any(time_ns < from_ns for time_ns in changes):
        changes.setdefault(from_ns, {})
    times = sorted(time_ns for time_ns in changes if time_ns >= from_ns)
    names = sorted({row["category"] for row in rows})
    sums = {name: Category(name, [], []) for name in names}
    now = {name: [0, 0] for name in names}
    last: dict[int, list[dict[str, typing.Any]]] = {}
    for time_ns in sorted(changes):
        for number, snapshot in changes[time_ns].items():
            for sign, listed in ((-1, last.get(number, [])), (1, snapshot)):
                for row in listed:
                    now[row["category"]][0] += sign * row["resident_bytes"]
                    now[row["category"]][1] += sign * row["reserved_bytes"]
            last[number] = snapshot
        if time_ns >= from_ns:
            for name, (resident_bytes, reserved_bytes) in now.items():
                sums[name].resident_bytes.append(resident_bytes)
                sums[name].reserved_bytes.append(reserved_bytes)
    greatest = sorted(
        sums.values(), key=lambda part: (-max(part.resident_bytes, default=0), part.name)
    )
    return ResidentOverTime(times, tuple(greatest))
