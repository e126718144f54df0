"""The result of a query, held as columns, of which pages can be given as JSON."""

from __future__ import annotations

import datetime
import typing

import numpy as np

if typing.TYPE_CHECKING:
    from duckdb import DuckDBPyRelation

Array = typing.Any  # a one-dimensional numpy array

#: What JavaScript's numbers hold.
_EXACT = 1 << 53
# Types whose columns are had as numpy arrays of numbers or texts; others are had value by value:
# HUGEINT, the type of each sum of integers, would come as a float, which rounds it.
_PLAIN = {
    "BIGINT",
    "BOOLEAN",
    "DOUBLE",
    "FLOAT",
    "INTEGER",
    "SMALLINT",
    "TINYINT",
    "UBIGINT",
    "UINTEGER",
    "USMALLINT",
    "UTINYINT",
    "VARCHAR",
}


class ResultTable:
    """Columns of one length."""

    def __init__(
        self,
        names: typing.Sequence[str],
        types: typing.Sequence[str],
        columns: list[Array],
        *,
        is_truncated: bool,
    ) -> None:
        self.described = [{"name": n, "type": kind} for n, kind in zip(names, types)]
        self.is_truncated = is_truncated
        self._columns = columns

    @property
    def row_count(self) -> int:
        """How many rows there are."""
        return len(self._columns[0]) if self._columns else 0

    def page(self, offset: int, limit: int) -> dict[str, typing.Any]:
        """Some rows, as `SqlPage` of the contract."""
        end = min(offset + limit, self.row_count)
        return {
            "offset": offset,
            "row_count": max(end - offset, 0),
            "columns": [_values(column[offset:end]) for column in self._columns],
        }


def take_result(relation: DuckDBPyRelation, most_rows: int) -> ResultTable:
    """The rows of a relation, up to a number. What goes wrong in the query is raised here."""
    names, types = list(relation.columns), [str(kind) for kind in relation.types]
    limited = relation.limit(most_rows + 1)
    if set(types) <= _PLAIN and len(set(names)) == len(names):
        found = limited.fetchnumpy()
        columns = [found[name] for name in names]
    else:
        columns = [_as_objects(values) for values in zip(*limited.fetchall())]
        columns = columns or [np.empty(0, dtype=object) for _ in names]
    is_truncated = bool(columns) and len(columns[0]) > most_rows
    return ResultTable(
        names, types, [column[:most_rows] for column in columns], is_truncated=is_truncated
    )


def _as_objects(values: tuple[typing.Any, ...]) -> Array:
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def _values(column: Array) -> list[typing.Any]:
    """Values that JSON and JavaScript can hold; NULL is None."""
    values = column.tolist()  # a masked array has None where it is masked
    return [value if isinstance(value, str) else _value(value) for value in values]


def _value(value: typing.Any) -> typing.Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) <= _EXACT else str(value)
    if isinstance(value, float):
        if value != value:
            return None
        return value if abs(value) != float("inf") else str(value)
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ")
    return str(value)
