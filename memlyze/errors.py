"""The errors that memlyze raises on purpose.

Each message is for the person who reads it: it names the thing, the cause and the next step, in one
line (of a `QueryError` in several).
"""

from __future__ import annotations


class MemlyzeError(Exception):
    """Something that the user can put right; the command line prints it without a traceback."""


class TraceError(MemlyzeError):
    """A trace file cannot be read at all."""


class TraceNotFoundError(TraceError):
    """There is no file at the path, or it is a directory, or reading it is not permitted."""


class TraceFormatError(TraceError):
    """The file is not a trace, or its beginning is damaged."""


class TraceVersionError(TraceFormatError):
    """The file is a trace of a format version that this memlyze does not know."""


class QueryError(MemlyzeError):
    """A query that DuckDB refused, or that may not be run over a trace.

    The message holds DuckDB's own, where the query is wrong, and the columns that exist;
    `__cause__` is the `duckdb.Error`, where there is one.
    """


class OptionError(MemlyzeError, ValueError):
    """An option is unknown, of the wrong type or out of range."""


class TracerStateError(MemlyzeError, RuntimeError):
    """Started twice, stopped without a start, or a second tracer."""


class TraceWriteError(MemlyzeError, OSError):
    """The trace file cannot be made or written."""
