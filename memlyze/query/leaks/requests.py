"""Growth with each request, which a clock that goes with time and work does not always see.

A server may be left idle for longer than it was ever busy. Data that is loaded before a program
waits looks the same; but requests come from outside, and what each of them leaves behind grows as
long as they come. So where what stays was made in requests, and seems to have stopped growing, it
is judged once more by a clock that ticks with each request of that name.
"""

from __future__ import annotations

import functools
import typing

import numpy as np

from memlyze.query.leaks.clock import CELLS, Array, even_clock
from memlyze.query.leaks.curves import Columns, Lives, Requests, read_lives
from memlyze.query.leaks.kin import lives_together
from memlyze.query.leaks.rows import Judged, Process, Sites, judged_sites
from memlyze.query.leaks.verdicts import GROWING, ONE_TIME, WARMING_UP

#: Windows that the program opens by name are work that comes again, too, where there are many.
_KINDS = ("http", "websocket", "window")
#: So many requests of a name tell whether something grows with them.
_LEAST_REQUESTS = 100
#: Names beyond these, by what stays of them, are not looked at.
_MOST_NAMES = 20
#: What the requests decide. Sizes, curve and survival remain those of the process's life.
_DECIDED = (
    "verdict",
    "confidence",
    "p_value",
    "growth_bytes_per_second",
    "growth_error",
    "growing_since_ns",
    "judged_until_ns",
    "last_growth_ns",
)


LivesByRequest = typing.Callable[[str], typing.Optional[Lives]]


def lives_by_request(process: Process) -> LivesByRequest:
    """By the name of requests the allocations that were made in them, with the number of the
    request as time; None: there were too few. They are sorted once, whatever the sites are.
    """
    return functools.lru_cache(maxsize=None)(functools.partial(_lives_by_request, process))


def with_growth_by_request(
    process: Process, by_request: LivesByRequest, sites: Sites, judged: Judged, frames: Columns
) -> dict[str, Array]:
    """The columns of `judged`, in which sites that grow with each request are growing."""
    columns = judged.columns
    lives_of_names = _lives_of_names(by_request, columns)
    may_grow = _may_grow(columns)
    for name, lives in lives_of_names.items():
        again = judged_sites(
            process._replace(lives=lives), sites, frames, looks=len(lives_of_names)
        )
        grows = again.judgement.verdict == GROWING
        row: Array = np.searchsorted(judged.numbers, again.numbers)
        row[row == len(judged.numbers)] = 0
        grows &= (judged.numbers[row] == again.numbers) & may_grow[row]
        grows &= columns["window_name"][row] == name
        for column in _DECIDED:
            columns[column][row[grows]] = again.columns[column][grows]
    return columns


def _may_grow(columns: typing.Mapping[str, Array]) -> Array:
    """Whether sites seem to have stopped growing, or to grow too little, and were mostly made in
    windows.
    """
    may: Array = np.isin(columns["verdict"].astype(str), (ONE_TIME, WARMING_UP))
    return may & (columns["window_name"] != None)  # noqa: E711


def _lives_of_names(
    by_request: LivesByRequest, columns: typing.Mapping[str, Array]
) -> dict[str, Lives]:
    """Of the names of requests that there were enough of, and that left memory of a site behind
    which may grow.
    """
    left: dict[str, float] = {}
    may = _may_grow(columns)
    for name, size in zip(columns["window_name"][may], columns["live_bytes"][may]):
        left[name] = left.get(name, 0.0) + float(size)
    names = sorted(left, key=lambda name: -left[name])[:_MOST_NAMES]
    lives_of_names = ((name, by_request(name)) for name in names)
    return {name: lives for name, lives in lives_of_names if lives is not None}


def _lives_by_request(process: Process, name: str) -> Lives | None:
    windows = process.windows
    chosen = (windows["name"] == name) & np.isin(windows["kind"].astype(str), _KINDS)
    if chosen.sum() < _LEAST_REQUESTS:
        return None
    order = np.argsort(windows["start_ns"][chosen], kind="stable")
    window_id, start_ns, end_ns = (
        windows[column][chosen][order] for column in ("window_id", "start_ns", "end_ns")
    )
    number_of_window = np.full(int(windows["window_id"].max()) + 1, -1)
    number_of_window[window_id] = np.arange(len(window_id))
    requests = Requests(number_of_window, start_ns, end_ns)
    edges = np.append(start_ns, end_ns.max())
    edge_ns = np.interp(np.linspace(0, len(window_id), CELLS + 1), np.arange(len(edges)), edges)
    clock = even_clock(edge_ns)
    no_collections = {column: np.empty(0, np.int64) for column in ("time_ns", "duration_ns")}
    lives = lives_together(
        read_lives(
            allocations,
            slice(0, len(allocations["time_ns"])),
            no_collections,
            np.empty((0, 2)),
            None,
            (0, len(window_id) * CELLS),
            len(process.lives.stack_samples),
            requests=requests,
            clock=clock,
        )
        for allocations in process.allocations
    )
    return lives._replace(clock=clock)
