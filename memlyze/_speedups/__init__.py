"""The compiled parts of memlyze. Nothing here is public."""

from __future__ import annotations


def __getattr__(name: str) -> object:
    """The recorder, when it is first asked for. Why it cannot be had, CPython says in words of its
    own.
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
    return tracer
