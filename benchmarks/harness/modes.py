"""The ways in which a program is run: untraced, under memlyze at several rates, under its peers."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, NamedTuple

Stop = Callable[[], None]


class Mode(NamedTuple):
    """A way to run a program.

    Attributes:
        label: its name in the tables.
        tracer: what traces it, a key of `TRACERS`; empty: nothing.
        options: keyword options of that tracer.
        is_preloaded: whether memlyze's shim goes before the program's libraries, as `memlyze
            record` puts it there.
    """

    label: str
    tracer: str = ""
    options: dict[str, Any] = {}  # noqa: RUF012  # a constant of a constant
    is_preloaded: bool = False

    @property
    def is_peer(self) -> bool:
        return self.tracer not in ("", "memlyze")


#: By name. `untraced_again` is the same as `untraced`: what differs between the two is noise. Modes
#: that record native memory, which is the default, have the program preloaded; the others record
#: Python's allocators alone.
MODES = {
    "untraced": Mode("untraced"),
    "untraced_again": Mode("untraced again"),
    "default": Mode("default", "memlyze", {}, is_preloaded=True),
    "rate_0.01": Mode("rate 0.01", "memlyze", {"sample_rate": 0.01, "native": False}),
    "rate_0.1": Mode("rate 0.1", "memlyze", {"sample_rate": 0.1, "native": False}),
    "rate_1.0": Mode("rate 1.0", "memlyze", {"sample_rate": 1.0, "native": False}),
    "native_1.0": Mode("1.0, native too", "memlyze", {"sample_rate": 1.0}, is_preloaded=True),
    "memray": Mode("memray", "memray"),
    "memray_all": Mode("memray, all", "memray", {"trace_python_allocators": True}),
    "tracemalloc": Mode("tracemalloc", "tracemalloc", {"nframe": 1}),
}


def _start_memlyze(output: Path, options: dict[str, Any]) -> Stop:
    import memlyze

    return memlyze.start(output, force=True, **options).stop


def _start_memray(output: Path, options: dict[str, Any]) -> Stop:
    import memray

    output.unlink(missing_ok=True)
    tracker = memray.Tracker(output, **options)
    tracker.__enter__()

    def stop() -> None:
        tracker.__exit__(None, None, None)

    return stop


def _start_tracemalloc(output: Path, options: dict[str, Any]) -> Stop:
    import tracemalloc

    tracemalloc.start(options["nframe"])
    return tracemalloc.stop


TRACERS: dict[str, Callable[[Path, dict[str, Any]], Stop]] = {
    "": lambda output, options: lambda: None,
    "memlyze": _start_memlyze,
    "memray": _start_memray,
    "tracemalloc": _start_tracemalloc,
}


def start_tracer(tracer: str, output: Path, options: dict[str, Any]) -> Stop:
    """Start a tracer in this process; the call that is returned stops it and finishes its file."""
    return TRACERS[tracer](output, options)
