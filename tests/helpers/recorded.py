"""What a program left behind: its output, its end, and its decoded trace."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from memlyze.trace.format import ALLOCATOR_NAMES
from memlyze.trace.trace_file import TraceFile


class Frame(NamedTuple):
    """A position in a source file."""

    function: str
    file: str
    line: int


class Allocation(NamedTuple):
    """A row of `allocations`; `freed_ns` -1: live."""

    allocation_id: int
    time_ns: int
    freed_ns: int
    size: int
    weight: float
    allocator: str
    stack_id: int
    thread_id: int
    window_id: int


_CUT_OFF = "the file ends in the middle of a block"


class Trace:
    """A trace file, as the tests ask it."""

    def __init__(self, path: Path) -> None:
        with TraceFile(path) as file:
            self.metadata = file.metadata
            self.is_complete = file.is_complete
            self.columns = dict(file.table("allocations"))
            self._statistics = file.allocation_statistics
            frames, stacks = file.table("frames"), file.table("stacks")
            self.threads = _rows(file.table("threads"), "thread_id")
            self.windows = _rows(file.table("windows"), "window_id")
            self.gc = list(_rows(file.table("gc"), None).values())
            self.memory = list(_rows(file.table("memory"), None).values())
            self.checkpoints = list(_rows(file.table("checkpoints"), None).values())
            self.damage = file.verify()
        self._frames = [
            Frame(str(function), str(path), int(line))
            for function, path, line in zip(frames["function"], frames["file"], frames["line"])
        ]
        self._by_size: dict[int, list[int]] = {}
        self._stacks: dict[int, list[Frame]] = {}
        self._parents, self._frame_ids = stacks["parent_id"].tolist(), stacks["frame_id"].tolist()

    @property
    def frees_unmatched(self) -> int:
        """Frees of allocations that the file does not hold."""
        return int(self._statistics.frees_unmatched)

    @property
    def frees_repeated(self) -> int:
        """Frees of allocations that were freed before."""
        return int(self._statistics.frees_repeated)

    def __len__(self) -> int:
        return len(self.columns["size"])

    def allocations(self, *sizes: int, function: str = "") -> list[Allocation]:
        """The allocations of these sizes, or of all; with the innermost function `function`."""
        index = self._rows_by_size()
        chosen = [row for size in sizes or index for row in index.get(size, ())]
        return [
            row
            for row in map(self._allocation, chosen)
            if not function or (row.stack_id and self.stack(row.stack_id)[0].function == function)
        ]

    def _rows_by_size(self) -> dict[int, list[int]]:
        if not self._by_size:
            for row, size in enumerate(self.columns["size"].tolist()):
                self._by_size.setdefault(size, []).append(row)
        return self._by_size

    def _allocation(self, row: int) -> Allocation:
        columns = self.columns
        return Allocation(
            int(columns["allocation_id"][row]),
            int(columns["time_ns"][row]),
            int(columns["freed_ns"][row]),
            int(columns["size"][row]),
            float(columns["weight"][row]) if "weight" in columns else 1.0,
            ALLOCATOR_NAMES[int(columns["allocator"][row])],
            int(columns["stack_id"][row]),
            int(columns["thread_id"][row]),
            int(columns["window_id"][row]),
        )

    def own(self, *sizes: int) -> list[Allocation]:
        """The allocations of these sizes that code of the program's own file made."""
        return [
            row
            for row in self.allocations(*sizes)
            if row.stack_id and self.stack(row.stack_id)[0].file.endswith("program.py")
        ]

    def one(self, size: int) -> Allocation:
        """The only allocation of a size, or the only one that the program's own code made."""
        found = self.allocations(size)
        if len(found) > 1:
            found = self.own(size)
        assert len(found) == 1, f"{len(found)} allocations of {size} bytes, not one"
        return found[0]

    def stack(self, stack_id: int) -> list[Frame]:
        """The frames of a stack, innermost first."""
        if stack_id not in self._stacks:
            frames, at = [], stack_id
            while at:
                frames.append(self._frames[self._frame_ids[at - 1] - 1])
                at = self._parents[at - 1]
            self._stacks[stack_id] = frames
        return self._stacks[stack_id]

    def stack_of(self, size: int) -> list[Frame]:
        """The stack of the only allocation of a size, innermost first."""
        return self.stack(self.one(size).stack_id)

    def functions_of(self, size: int) -> list[str]:
        """The functions of that stack, innermost first, without their qualification."""
        return [short(frame.function) for frame in self.stack_of(size)]

    def thread_names(self) -> list[str]:
        """The names of all threads."""
        return [thread["name"] for thread in self.threads.values()]

    def window_named(self, name: str) -> dict[str, Any]:
        """The only window of a name."""
        found = [window for window in self.windows.values() if window["name"] == name]
        assert len(found) == 1, f"{len(found)} windows are called {name!r}, not one"
        return found[0]

    def check_sound(self, *, is_whole: bool = True) -> None:
        """No wrong row: what no trace may hold, whatever became of the program.

        In one that is cut off, a free may stand before the allocation, which another thread made,
        and the kernel may have been ended in the midst of writing the last block.
        """
        columns = self.columns
        damage = [text for text in self.damage if is_whole or _CUT_OFF not in text]
        assert not damage, damage
        assert self.frees_repeated == 0
        assert self.frees_unmatched == 0 or not is_whole
        ids = columns["allocation_id"].tolist()
        assert len(set(ids)) == len(ids)
        freed = columns["freed_ns"]
        assert ((freed == -1) | (freed >= columns["time_ns"])).all()
        assert (columns["size"] >= 0).all()
        assert set(columns["thread_id"].tolist()) <= set(self.threads)
        assert set(columns["window_id"].tolist()) - {0} <= set(self.windows)


class Run(NamedTuple):
    """How a program ended, and where its trace is."""

    stdout: str
    stderr: str
    status: int
    trace_path: Path

    @property
    def trace(self) -> Trace:
        """The decoded trace."""
        return Trace(self.trace_path)

    @property
    def lines(self) -> list[str]:
        """Its output, line by line."""
        return self.stdout.splitlines()


def short(function: str) -> str:
    """The last part of a qualified name: before CPython 3.11 code objects know no other."""
    return function.rpartition(".")[2]


def _rows(table: dict[str, Any], key: str | None) -> dict[Any, dict[str, Any]]:
    names = list(table)
    count = len(table[names[0]])
    values = {
        name: [value.item() if hasattr(value, "item") else value for value in table[name]]
        for name in names
    }
    rows = [{name: values[name][row] for name in names} for row in range(count)]
    return {row[key] if key else number: row for number, row in enumerate(rows)}
