"""The compiled parts of memlyze. Nothing here is public."""

from __future__ import annotations

import sys

_MAPS = "/proc/self/maps"
_OF_ENDED = (
    "memlyze can be used in the first interpreter of a process, and that has ended "
    "(Py_Finalize); use it there, or keep that one until the process ends"
)


def __getattr__(name: str) -> object:
    """The recorder, when it is first asked for. Why it cannot be had, CPython says in words of its
    own, or not at all.
    """
    if name != "_tracer":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    full_name = f"{__name__}.{name}"
    if sys.version_info >= (3, 12) and full_name not in sys.modules and _is_of_ended(full_name):
        raise ImportError(_OF_ENDED, name=full_name)
    try:
        import memlyze._speedups._tracer as tracer
    except ImportError as error:
        if "interpreter" not in str(error):
            raise
        raise ImportError(
            "memlyze can be used in one interpreter of a process; use it in the main one, from "
            "where it records what all of them allocate",
            name=error.name,
        ) from None
    if vars(tracer)["start"] is None:
        # The module is that of an interpreter that has ended, which has emptied it.
        globals().pop(name, None)
        sys.modules.pop(full_name, None)
        raise ImportError(_OF_ENDED, name=full_name)
    return tracer


def _is_of_ended(full_name: str) -> bool:
    """Whether an interpreter that has ended left the recorder's module behind. From CPython 3.12 on
    it took the memory of its objects with it, and to import the module would touch them.
    """
    library = f"/_speedups/{full_name.rsplit('.', 1)[-1]}.".encode()
    try:
        with open(_MAPS, "rb") as maps:
            if library not in maps.read():
                return False
    except OSError:
        return False
    import gc

    return _is_main_interpreter() and not any(
        type(known) is type(sys) and known.__name__ == full_name for known in gc.get_objects()
    )


def _is_main_interpreter() -> bool:
    import importlib

    for name in ("_interpreters", "_xxsubinterpreters"):
        try:
            present = importlib.import_module(name).get_current()
        except ImportError:
            continue
        return int(present[0] if isinstance(present, tuple) else present) == 0
    return True
