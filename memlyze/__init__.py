"""memlyze: a memory profiler for Python.

    import memlyze

    with memlyze.Tracer(output_file="trace.mlyze"):
        work()

    with memlyze.open("trace.mlyze") as trace:
        print(trace.sql("SELECT * FROM hotspots() LIMIT 10"))

Names are imported when they are first used: recording imports nothing of the reader, and the
other way round.
"""

from __future__ import annotations

TYPE_CHECKING = False  # `typing` itself stays out of the recorded program
if TYPE_CHECKING:
    from memlyze.carrying import carry as carry
    from memlyze.checkpoints import Checkpoint as Checkpoint
    from memlyze.checkpoints import checkpoint as checkpoint
    from memlyze.errors import MemlyzeError as MemlyzeError
    from memlyze.options import TraceOptions as TraceOptions
    from memlyze.query.session import open_trace as open  # noqa: A004, F401
    from memlyze.tracer import Tracer as Tracer
    from memlyze.tracer import active_tracer as active_tracer
    from memlyze.tracer import start as start
    from memlyze.tracer import stop as stop
    from memlyze.windows import profile as profile
    from memlyze.windows import window as window

__version__ = "0.1.0"

_HOMES = {
    "Checkpoint": ("memlyze.checkpoints", "Checkpoint"),
    "MemlyzeError": ("memlyze.errors", "MemlyzeError"),
    "TraceOptions": ("memlyze.options", "TraceOptions"),
    "Tracer": ("memlyze.tracer", "Tracer"),
    "active_tracer": ("memlyze.tracer", "active_tracer"),
    "carry": ("memlyze.carrying", "carry"),
    "checkpoint": ("memlyze.checkpoints", "checkpoint"),
    "open": ("memlyze.query.session", "open_trace"),
    "profile": ("memlyze.windows", "profile"),
    "start": ("memlyze.tracer", "start"),
    "stop": ("memlyze.tracer", "stop"),
    "window": ("memlyze.windows", "window"),
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> object:
    try:
        module, attribute = _HOMES[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    # Not by `importlib`, which would bring `warnings` along.
    value = globals()[name] = getattr(__import__(module, fromlist=[attribute]), attribute)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
