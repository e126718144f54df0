"""Arrow's file format (Feather version 2), which needs pyarrow."""

from __future__ import annotations

import importlib
import typing

from memlyze.errors import MemlyzeError

if typing.TYPE_CHECKING:
    from duckdb import DuckDBPyRelation

SUFFIX = ".arrow"


class ArrowStream:
    """A relation with only what DuckDB and pyarrow need to read it: the Arrow stream protocol."""

    def __init__(self, relation: DuckDBPyRelation) -> None:
        self._relation = relation

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._relation.__arrow_c_stream__(requested_schema)


def write_arrow(relation: DuckDBPyRelation, sink: typing.BinaryIO) -> int:
    """Write the rows batch by batch; return how many they are.

    Raises MemlyzeError where pyarrow is missing.
    """
    pa = import_pyarrow("the format arrow", "or take parquet, which needs nothing more")
    reader = pa.RecordBatchReader.from_stream(ArrowStream(relation))
    with pa.ipc.new_file(sink, reader.schema) as writer:
        rows = 0
        for batch in reader:
            writer.write_batch(batch)
            rows += batch.num_rows
    sink.flush()
    return rows


def import_pyarrow(what: str, otherwise: str, module: str = "pyarrow") -> typing.Any:
    """The module. Raises MemlyzeError, which says what needs it, where it is missing."""
    try:
        return importlib.import_module(module)
    except ImportError:
        raise MemlyzeError(
            f"{what} needs the package pyarrow: pip install pyarrow ({otherwise})"
        ) from None
