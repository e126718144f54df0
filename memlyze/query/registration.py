"""Puts the reader's columns beneath the views, without copying them.

DuckDB scans a numpy array where it lies, but believes what it is told about it: DuckDB 1.x reads
strided, masked or byte-swapped arrays as if they were plain ones and returns wrong sums. Hence the
checks.
"""

from __future__ import annotations

import typing

import numpy as np

from memlyze.query.raw_tables import PREFIX, RAW_TABLES

if typing.TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

#: Asked for single rows by their ids, as chains of references are: DuckDB finds these at once in a
#: table of its own, and goes through all of an array.
_COPIED = ("objects", "object_texts", "object_tree")

Columns = typing.Mapping[str, typing.Any]
Constant = typing.Union[int, float]


def register_table(
    connection: DuckDBPyConnection,
    table: str,
    columns: Columns,
    constants: typing.Mapping[str, Constant],
) -> None:
    """Shadow the empty private table `table` with `columns` (name → numpy array).

    A column that the reader leaves out because all its values are equal is taken from `constants`.
    Raises ValueError when a column is missing, or not a plain array as long as the others.
    """
    declared = RAW_TABLES[table]
    present = {
        name: plain_array(columns[name], f"{table}.{name}") for name in declared if name in columns
    }
    if len({len(array) for array in present.values()}) != 1:
        lengths = ", ".join(f"{name}: {len(array)}" for name, array in present.items())
        raise ValueError(f"the columns of {table} are missing or of different lengths ({lengths})")

    selected = []
    for name, duckdb_type in declared.items():
        if name in present:
            selected.append(f'CAST("{name}" AS {duckdb_type}) AS "{name}"')
        elif name in constants:
            selected.append(f'CAST({constants[name]!r} AS {duckdb_type}) AS "{name}"')
        else:
            raise ValueError(f"the trace reader gave no column {table}.{name}")
    source = f"{PREFIX}{table}_columns"
    connection.register(source, present)
    made = f"SELECT {', '.join(selected)} FROM {source}"
    if table in _COPIED:
        rows = f"{PREFIX}{table}_rows"
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {rows} AS {made}")
        connection.unregister(source)
        made = f"FROM {rows}"
    connection.execute(f"CREATE OR REPLACE TEMP VIEW {PREFIX}{table} AS {made}")


def unregister_table(connection: DuckDBPyConnection, table: str) -> None:
    """Undo `register_table`: the private table is empty again."""
    connection.execute(f"DROP VIEW temp.{PREFIX}{table}")
    if table in _COPIED:
        connection.execute(f"DROP TABLE temp.{PREFIX}{table}_rows")
    else:
        connection.unregister(f"{PREFIX}{table}_columns")


def plain_array(array: typing.Any, name: str) -> np.ndarray[typing.Any, typing.Any]:
    """`array` as DuckDB reads it right: one-dimensional, contiguous, native-endian, text in valid
    UTF-8.

    Raises ValueError for masked, structured and many-dimensional arrays.
    """
    if isinstance(array, np.ma.MaskedArray):
        raise ValueError(f"column {name} is masked, which DuckDB would ignore")
    array = np.asarray(array)
    if array.ndim != 1 or array.dtype.names is not None:
        raise ValueError(f"column {name} is not a plain one-dimensional array")
    if array.dtype.kind == "U":
        array = array.astype(object)
    if array.dtype.kind == "O":
        return _valid_text(array)
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    return np.ascontiguousarray(array)


def _valid_text(array: np.ndarray[typing.Any, typing.Any]) -> np.ndarray[typing.Any, typing.Any]:
    """Text with lone surrogates (file names may hold them) escaped: DuckDB drops or refuses
    them.
    """
    texts = [text for text in array if text is not None]
    try:
        "".join(texts).encode("utf-8")
        return np.ascontiguousarray(array)
    except UnicodeEncodeError:
        escaped = np.empty(len(array), dtype=object)
        for index, text in enumerate(array):
            escaped[index] = text and text.encode("utf-8", "backslashreplace").decode("utf-8")
        return escaped
