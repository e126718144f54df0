"""What to say to somebody whose query was refused: DuckDB's message, and the columns that exist."""

from __future__ import annotations

import re
import textwrap

from memlyze.errors import QueryError
from memlyze.query.definitions import Definition, macros, views
from memlyze.query.engine import engine

_WORD = re.compile(r"\w+")


def refusal(error: Exception, query: str) -> QueryError:
    """The QueryError for what DuckDB raised at `query`."""
    lines = [str(error).strip()]
    if isinstance(error, engine().ProgrammingError):
        lines += columns_for(query)
    return QueryError("\n".join(lines))


def columns_for(query: str) -> list[str]:
    """The columns of the views and macros that `query` names, a line or more for each.

    A query that names none gets the names of all.
    """
    words = {word.lower() for word in _WORD.findall(query)}
    named = [definition for definition in views() + macros() if definition.name in words]
    if named:
        return [line for definition in named for line in _columns(definition)]
    return [
        "views:  " + ", ".join(definition.name for definition in views()),
        "macros: " + ", ".join(definition.signature for definition in macros()),
    ]


def _columns(definition: Definition) -> list[str]:
    start = f"{definition.signature} has: "
    names = ", ".join(column.name for column in definition.columns)
    return textwrap.wrap(names, 100, initial_indent=start, subsequent_indent="    ")
