"""Keeps a query that somebody else wrote from touching anything but the trace.

DuckDB's settings close the file system, the network and the Python variables around the call;
they are then locked. The views live in memory and a query runs in a read-only transaction, so
that it cannot put other views in their place.
"""

from __future__ import annotations

import contextlib
import re
import typing

from memlyze.errors import QueryError
from memlyze.query.engine import engine
from memlyze.query.refusals import refusal
from memlyze.query.statements import only_statement

if typing.TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# In this order: the last ones take effect on those before.
_RESTRICTIONS = (
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    "SET python_enable_replacements = false",
    "SET enable_external_access = false",
    "SET lock_configuration = true",
)
_READING = {"SELECT", "EXPLAIN", "MULTI"}
_SURROGATE = re.compile("[\ud800-\udfff]")


def restrict(connection: DuckDBPyConnection) -> None:
    """Take files, network, extensions and settings away from `connection`, for good."""
    for statement in _RESTRICTIONS:
        connection.execute(statement)


def check_text(sql: str) -> None:
    """Raise QueryError where DuckDB could not take the text of a query, whatever it says."""
    found = _SURROGATE.search(sql)
    if found is None:
        return
    line = sql.count("\n", 0, found.start()) + 1
    column = found.start() - sql.rfind("\n", 0, found.start())
    raise QueryError(
        f"the query has no character at line {line}, column {column}, but {found[0]!r}, which "
        "comes of a byte that is not of the terminal's encoding; write the query in UTF-8"
    )


def check_statement(
    connection: DuckDBPyConnection, sql: str, *, may_write_files: bool = False
) -> str:
    """The one statement of `sql`, which reads.

    Raises QueryError when it is none or several, does something else than read, or is not SQL.
    """
    check_text(sql)
    statement = only_statement(sql)
    if statement is None:
        raise QueryError("give one SQL statement: SELECT …, or DESCRIBE <view>")
    if "\0" in statement:  # DuckDB cuts the name of a column off there
        raise QueryError("a NUL character stands in the query; write it as chr(0)")
    try:
        types = [_type_name(parsed) for parsed in connection.extract_statements(statement)]
    except engine().Error as error:
        raise refusal(error, statement) from error
    # DuckDB turns PIVOT into the creation of a type and a SELECT; 2.0 calls that MULTI.
    is_pivot = types == ["CREATE", "SELECT"] and not statement.lower().startswith("create")
    allowed = _READING | {"COPY"} if may_write_files else _READING
    if not is_pivot and not (len(types) == 1 and types[0] in allowed):
        found = types[0] if types else "nothing"
        advice = "" if found != "COPY" else "; write results with --format and -o"
        raise QueryError(f"a query of a trace reads only: SELECT, not {found}{advice}")
    return statement


def _type_name(statement: typing.Any) -> str:
    return str(statement.type).rsplit(".", 1)[-1].split(":")[0].upper()


@contextlib.contextmanager
def read_only(connection: DuckDBPyConnection) -> typing.Iterator[None]:
    """Within it nothing of the database can be changed."""
    connection.execute("BEGIN TRANSACTION READ ONLY")
    try:
        yield
    finally:
        with contextlib.suppress(engine().Error):
            connection.execute("ROLLBACK")
