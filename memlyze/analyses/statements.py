"""Reads the `.sql` file that stands beside an analysis, and runs it."""

from __future__ import annotations

import functools
import os
import typing

from memlyze.query.session import Trace

_HERE = os.path.dirname(os.path.abspath(__file__))


@functools.lru_cache(maxsize=None)
def read_statement(name: str) -> str:
    """The SQL of `name`.sql."""
    with open(os.path.join(_HERE, name + ".sql"), encoding="utf-8") as file:
        return file.read()


def run_statement(
    trace: Trace,
    name: str,
    parameters: typing.Mapping[str, object] | None = None,
    tables: typing.Mapping[str, typing.Mapping[str, typing.Any]] | None = None,
) -> list[dict[str, typing.Any]]:
    """The rows that `name`.sql gives over `trace`, as dictionaries by column name. It can read
    `tables` as well, by name, each of them columns that are plain numpy arrays.
    """
    with trace.lending(tables or {}):
        asked = trace.ask(read_statement(name), dict(parameters) if parameters else None)
        names = [column[0] for column in asked.description]
        return [dict(zip(names, row)) for row in asked.fetchall()]


def run_columns(
    trace: Trace, name: str, parameters: typing.Mapping[str, object] | None = None
) -> dict[str, typing.Any]:
    """What `name`.sql gives over `trace`, as numpy arrays by column name, for many rows."""
    asked = trace.ask(read_statement(name), dict(parameters) if parameters else None)
    return dict(asked.fetchnumpy())
