"""The compiled parts of memlyze. Nothing here is public."""

from __future__ import annotations

import sys


def __getattr__(name: str) -> object:
    """The recorder, when it is first asked for. Why it cannot be had, CPython says in words of its
    own, or not at all.
    """
    if name != "_tracer":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
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
        sys.modules.pop(tracer.__name__, None)
        raise ImportError(
            "memlyze can be used in the first interpreter of a process, and that has ended "
            "(Py_Finalize); use it there, or keep that one until the process ends",
            name=tracer.__name__,
        )
    return tracer
