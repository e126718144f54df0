"""Errors that end a command."""

from __future__ import annotations

from memlyze.errors import MemlyzeError


class CommandError(MemlyzeError):
    """The command could not do what it was asked."""

    exit_status = 1


class RefusedQueryError(CommandError):
    """DuckDB's own message about a query and what it could read, in several lines."""


class UsageError(CommandError):
    """The command line itself is wrong."""

    exit_status = 2
