"""What can go wrong with a query."""

from __future__ import annotations

from memlyze.errors import MemlyzeError


class QueryError(MemlyzeError):
    """The query is not one that may be run, or DuckDB refused it."""
