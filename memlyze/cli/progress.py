"""A progress bar on standard error while a long trace is decoded, where somebody looks at it."""

from __future__ import annotations

import contextlib
import sys
import threading
import typing

from memlyze.cli.terminal import is_terminal

if typing.TYPE_CHECKING:
    from memlyze.query.session import Trace

_PATIENCE_S = 0.5
_REFRESH_S = 0.1
_WIDTH = 30


@contextlib.contextmanager
def decoding_progress(*traces: Trace) -> typing.Iterator[None]:
    """Within it, show how much of the events of the traces is decoded, once that takes a while."""
    if not is_terminal(sys.stderr):
        yield
        return
    is_over = threading.Event()
    thread = threading.Thread(target=_show, args=(traces, is_over), daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


@contextlib.contextmanager
def decoding_events(*traces: Trace) -> typing.Iterator[None]:
    """`decoding_progress` of a command that reads the allocations and asks DuckDB in any case."""
    first, *others = traces
    if others and not _fit_together(traces):
        others = []
    threads = [threading.Thread(target=_decode, args=(other,), daemon=True) for other in others]
    with decoding_progress(*traces):
        for thread in threads:
            thread.start()
        first.get_ready()
        for thread in threads:
            thread.join()
        yield


def _fit_together(traces: typing.Sequence[Trace]) -> bool:
    """Whether all go to memory. Where they do not, what one takes must be known before there is
    asked how much memory is left for the next.
    """
    from memlyze.trace.allocations import MOST_ROW_BYTES
    from memlyze.trace.placement import available_memory_bytes

    events = sum(file.event_count for trace in traces for file in trace.files)
    return events * MOST_ROW_BYTES <= available_memory_bytes() // 2


def _decode(trace: Trace) -> None:
    """What is wrong with the trace is said when it is asked for its allocations."""
    with contextlib.suppress(Exception):
        trace.table("allocations")


def _show(traces: typing.Sequence[Trace], is_over: threading.Event) -> None:
    files = [file for trace in traces for file in trace.files]
    total = sum(file.event_count for file in files)
    pause_s = _PATIENCE_S
    is_shown = False
    while not is_over.wait(pause_s):
        pause_s = _REFRESH_S
        done = sum(file.events_decoded for file in files)
        if 0 < done < total:
            sys.stderr.write("\r" + bar(done, total))
            is_shown = True
        elif is_shown:
            break
        sys.stderr.flush()
    if is_shown:
        sys.stderr.write("\r" + " " * len(bar(0, 1)) + "\r")
        sys.stderr.flush()


def bar(done: int, total: int) -> str:
    """`decoding [##########          ]  33 %`, always of one length."""
    share = min(done / total, 1.0)
    full = int(share * _WIDTH)
    return f"decoding [{'#' * full}{' ' * (_WIDTH - full)}] {100 * share:3.0f} %"
